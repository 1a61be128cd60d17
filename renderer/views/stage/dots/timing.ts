import type { RequestRecord } from '../../../../src/contract/index.ts';

/** Milliseconds that a dot travels for a request of this duration: never so quick that the eye misses it, never so slow that it is in the way. */
export function travelTime(duration: number): number {
  return Math.hypot(650, Math.min(duration, 3000));
}

/** Flags of requests that never left the caller's proxy. */
const local: ReadonlySet<string> = new Set(['FI', 'NR', 'NC', 'UH', 'UO', 'RL']);

/** How far along its edge a request came before it ended, 0 to 1: what the caller's own proxy answered stops right at the caller. */
export function reach(record: Pick<RequestRecord, 'flags' | 'details'>): number {
  if (record.details === 'direct_response') return 0.12;
  return record.flags.some(flag => local.has(flag)) ? 0.12 : 1;
}

/** A request is on the screen within a quarter of a second, wherever in the graph it is. */
const longestWait = 200;

/**
 * When the dots of one request start: hops that belong together play in the order of the graph, one after another,
 * although their records come in the order in which they ended (the innermost first).
 */
export class Sequence {
  private readonly first = new Map<string, number>();
  private readonly hop: number;

  constructor(hop = 90) { this.hop = hop; }

  /** `rank` is the caller's column in the graph, 0 at the ingress. */
  start(requestId: string, rank: number, now: number): number {
    if (requestId === '') return now;
    const known = this.first.get(requestId);
    if (known === undefined) this.remember(requestId, now);
    return Math.max(now, (known ?? now) + Math.min(longestWait, rank * this.hop));
  }

  private remember(requestId: string, now: number): void {
    this.first.set(requestId, now);
    if (this.first.size <= 4000) return;
    for (const [id, at] of this.first) {
      if (now - at < 15_000 && this.first.size <= 4000) break;
      this.first.delete(id);
    }
  }
}

/** The column of each node: the longest way to it from a node that nobody calls; circles are cut where they close. */
export function ranks(nodes: readonly string[], edges: readonly { readonly source: string; readonly target: string }[]): ReadonlyMap<string, number> {
  const out = new Map<string, string[]>();
  const called = new Set<string>();
  for (const { source, target } of edges) {
    if (source === target) continue;
    out.set(source, [...(out.get(source) ?? []), target]);
    called.add(target);
  }
  const result = new Map<string, number>(nodes.map(id => [id, 0]));
  const visit = (id: string, rank: number, path: ReadonlySet<string>): void => {
    if (path.has(id) || rank < (result.get(id) ?? 0) || (rank > 0 && rank === result.get(id))) return;
    result.set(id, rank);
    const next = new Set(path).add(id);
    for (const target of out.get(id) ?? []) visit(target, rank + 1, next);
  };
  for (const id of nodes) if (!called.has(id)) visit(id, 0, new Set());
  return result;
}
