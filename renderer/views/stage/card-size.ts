import type { GraphNode } from '../../../src/contract/index.ts';

/** Sizes of a card, in the graph's own pixels; the styles of `service-card.module.css` agree with them. */
export const cardWidth = 200;
export const headHeight = 40;
export const rowHeight = 24;

/** Below this zoom, cards say less in larger letters. */
export const farZoom = 0.62;

/** How the whole graph is fitted into the window: clear of the tools at the foot. */
export const fitOptions = { padding: { top: '32px', left: '28px', right: '28px', bottom: '56px' }, maxZoom: 1.1 } as const;

/** True when a card has a row for each version: gateways and the outside have none. */
export function hasRows(node: Pick<GraphNode, 'kind' | 'versions'>): boolean {
  return node.kind === 'service' && node.versions.length > 0;
}

/** Height of a node's card. */
export function cardHeight(node: Pick<GraphNode, 'kind' | 'versions'>): number {
  return headHeight + (hasRows(node) ? node.versions.length * rowHeight + 6 : 0) + 2;
}
