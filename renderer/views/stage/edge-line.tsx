import { memo, useEffect, type ReactNode } from 'react';
import type { GraphEdge } from '../../../src/contract/index.ts';
import { curvePath, edgeCurve, pointAt, type Point } from './dots/curve.ts';
import type { DotLayer } from './dots/dot-layer.ts';
import styles from './edge-line.module.css';

/** What a line of the graph shows. */
export interface Line {
  readonly id: string;
  readonly source: string;
  readonly target: string;
  /** Where it leaves and where it arrives, in the graph's own pixels. */
  readonly fromX: number;
  readonly fromY: number;
  readonly toX: number;
  readonly toY: number;
  /** How it passes other cards; see `Bend`. */
  readonly bow: number;
  readonly lean: -1 | 0 | 1;
  readonly mtls: 'all' | 'some' | 'none' | 'unknown';
  readonly protocol: GraphEdge['protocol'];
  /** Width of the line, in steps of half a pixel. */
  readonly width: number;
  readonly denied: boolean;
  readonly active: boolean;
  /** Words at the middle instead of dots, with reduced motion. */
  readonly counter: string;
  /** Its name for those who do not see it. */
  readonly name: string;
}

/** Width of a line for a rate: quiet at any rate, and never the loudest thing. */
export function lineWidth(rps: number): number {
  return Math.round(Math.min(4.5, 1.25 + Math.log2(1 + rps) * 0.42) * 2) / 2;
}

interface EdgeLineProps {
  readonly line: Line;
  readonly layer: DotLayer;
  readonly onOpen: (id: string) => void;
  /** The pointer or the focus is on a line, or on none. */
  readonly onLook: (id: string | undefined) => void;
}

/** A quiet line with the lock that says mTLS: a button like any other. Tells the dot layer its very curve. */
export const EdgeLine = memo(function EdgeLine({ line, layer, onOpen, onLook }: EdgeLineProps): ReactNode {
  const { id, fromX, fromY, toX, toY, bow, lean } = line;
  const curve = edgeCurve({ x: fromX, y: fromY }, { x: toX - 5, y: toY }, { bow, lean });
  useEffect(() => {
    layer.setEdge(id, edgeCurve({ x: fromX, y: fromY }, { x: toX - 5, y: toY }, { bow, lean }));
    return () => layer.removeEdge(id);
  }, [layer, id, fromX, fromY, toX, toY, bow, lean]);
  const path = curvePath(curve);
  const middle = pointAt(curve, 0.5);
  return (
    <g
      className={styles.edge} data-edge={id} data-active={line.active || undefined} role="button" tabIndex={-1} aria-label={line.name} aria-pressed={line.active}
      onClick={() => onOpen(id)} onPointerEnter={() => onLook(id)} onPointerLeave={() => onLook(undefined)} onFocus={() => onLook(id)} onBlur={() => onLook(undefined)}
      onKeyDown={event => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); event.stopPropagation(); onOpen(id); } }}
    >
      <path d={path} className={styles.reach} />
      <path d={path} className={styles.line} strokeWidth={line.width} strokeDasharray={line.protocol === 'tcp' ? '2 4' : undefined} />
      <path d={`M${toX - 8} ${toY - 4.5}L${toX - 1} ${toY}L${toX - 8} ${toY + 4.5}`} className={styles.head} />
      <Lock at={middle} mtls={line.mtls} />
      {line.denied && <Denied at={{ x: toX - 20, y: toY }} />}
      {line.counter !== '' && <text x={middle.x} y={middle.y - 13} className={styles.counter} textAnchor="middle">{line.counter}</text>}
    </g>
  );
});

// Signs are drawn where they are instead of being moved there: a `transform` on each would make the browser keep a layer for each.
function Lock({ at: { x, y }, mtls }: { readonly at: Point; readonly mtls: Line['mtls'] }): ReactNode {
  if (mtls === 'unknown') return null;
  const open = mtls !== 'all';
  return (
    <g className={styles.lock} data-open={open || undefined}>
      <circle cx={x} cy={y} r="8.5" />
      <path d={open ? `M${x - 2} ${y - 1}v-1.6a2 2 0 0 1 3.8-0.9` : `M${x - 2} ${y - 1}v-1.4a2 2 0 0 1 4 0v1.4`} />
      <rect x={x - 3.1} y={y - 1} width="6.2" height="4.6" rx="1" />
    </g>
  );
}

function Denied({ at: { x, y } }: { readonly at: Point }): ReactNode {
  return <g className={styles.denied}><circle cx={x} cy={y} r="7" /><path d={`M${x - 3.4} ${y}h6.8`} /></g>;
}
