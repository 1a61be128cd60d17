import { useStore } from '@xyflow/react';
import type { ReactNode } from 'react';
import type { GraphEdge } from '../../../src/contract/index.ts';
import { shortPrincipal } from '../../lab/words.ts';
import { format } from '../../ui/index.ts';
import type { DotLayer } from './dots/dot-layer.ts';
import styles from './graph-canvas.module.css';

/** What the mesh knows of an edge, while the pointer is on it. */
export function EdgeCard({ edge, layer }: { readonly edge: GraphEdge | undefined; readonly layer: DotLayer }): ReactNode {
  const [x, y, zoom] = useStore(state => state.transform);
  const middle = edge === undefined ? undefined : layer.middle(edge.id);
  if (edge === undefined || middle === undefined) return null;
  const { rps, errorShare, p50, p99 } = edge.figures;
  return (
    <div className={styles.edgeCard} style={{ transform: `translate(-50%, 14px) translate(${middle.x * zoom + x}px, ${middle.y * zoom + y}px)` }} role="tooltip">
      <b>{edge.protocol.toUpperCase()} · {format.rate(rps)} rps · {format.share(errorShare)} errors</b>
      <span>p50 {format.duration(p50)} · p99 {format.duration(p99)}</span>
      <Identities edge={edge} />
    </div>
  );
}

function Identities({ edge }: { readonly edge: GraphEdge }): ReactNode {
  if (edge.mtls < 0.005) return <span className={styles.plain}>Plaintext: neither side proves who it is</span>;
  return (
    <>
      <span>{edge.mtls > 0.995 ? 'mTLS' : `mTLS for ${format.share(edge.mtls)} of requests`}</span>
      <code>{shortPrincipal(edge.sourcePrincipal)}</code>
      <code>→ {shortPrincipal(edge.targetPrincipal)}</code>
    </>
  );
}
