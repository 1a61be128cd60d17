import type { Edge, EdgeProps } from '@xyflow/react';
import { memo, useEffect, type ReactNode } from 'react';
import type { GraphEdge } from '../../../src/contract/index.ts';
import { curvePath, edgeCurve, pointAt } from './dots/curve.ts';
import type { DotLayer } from './dots/dot-layer.ts';
import styles from './link-edge.module.css';

/** What an edge shows. */
export interface LinkData extends Record<string, unknown> {
  readonly layer: DotLayer;
  readonly mtls: 'all' | 'some' | 'none' | 'unknown';
  readonly protocol: GraphEdge['protocol'];
  /** Width of the line, in steps of half a pixel. */
  readonly width: number;
  readonly denied: boolean;
  readonly active: boolean;
  /** Words at the middle instead of dots, with reduced motion. */
  readonly counter: string;
}

export type LinkEdgeType = Edge<LinkData, 'link'>;

/** Width of an edge's line for a rate: quiet at any rate, and never the loudest thing. */
export function lineWidth(rps: number): number {
  return Math.round(Math.min(4.5, 1.25 + Math.log2(1 + rps) * 0.42) * 2) / 2;
}

/** A quiet line with the lock that says mTLS. Tells the dot layer its very curve. */
export const LinkEdge = memo(function LinkEdge({ id, sourceX, sourceY, targetX, targetY, data }: EdgeProps<LinkEdgeType>): ReactNode {
  const layer = data?.layer;
  const curve = edgeCurve({ x: sourceX, y: sourceY }, { x: targetX - 5, y: targetY });
  useEffect(() => {
    layer?.setEdge(id, edgeCurve({ x: sourceX, y: sourceY }, { x: targetX - 5, y: targetY }));
    return () => layer?.removeEdge(id);
  }, [layer, id, sourceX, sourceY, targetX, targetY]);
  if (data === undefined) return null;
  const path = curvePath(curve);
  const middle = pointAt(curve, 0.5);
  return (
    <g className={styles.edge} data-active={data.active || undefined}>
      <path d={path} className={styles.reach} />
      <path d={path} className={styles.line} strokeWidth={data.width} strokeDasharray={data.protocol === 'tcp' ? '2 4' : undefined} />
      <path d={`M${targetX - 8} ${targetY - 4.5}L${targetX - 1} ${targetY}L${targetX - 8} ${targetY + 4.5}`} className={styles.head} />
      <Lock x={middle.x} y={middle.y} mtls={data.mtls} />
      {data.denied && <Denied x={targetX - 20} y={targetY} />}
      {data.counter !== '' && <text x={middle.x} y={middle.y - 13} className={styles.counter} textAnchor="middle">{data.counter}</text>}
    </g>
  );
});

function Lock({ x, y, mtls }: { readonly x: number; readonly y: number; readonly mtls: LinkData['mtls'] }): ReactNode {
  if (mtls === 'unknown') return null;
  const open = mtls !== 'all';
  return (
    <g transform={`translate(${x - 8} ${y - 8})`} className={styles.lock} data-open={open || undefined}>
      <circle cx="8" cy="8" r="8.5" />
      <path d={open ? 'M6 7V5.4a2 2 0 0 1 3.8-0.9' : 'M6 7V5.6a2 2 0 0 1 4 0V7'} />
      <rect x="4.9" y="7" width="6.2" height="4.6" rx="1" />
    </g>
  );
}

function Denied({ x, y }: { readonly x: number; readonly y: number }): ReactNode {
  return <g transform={`translate(${x - 8} ${y - 8})`} className={styles.denied}><circle cx="8" cy="8" r="7" /><path d="M4.6 8H11.4" /></g>;
}
