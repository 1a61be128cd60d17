import type { Hop } from '../../lab/index.ts';
import type { HopRing } from '../../lab/hops.ts';
import { passes, type Filter } from './filter.ts';

/** The requests that passed a filter, newest first, and how far the ring was read for them. */
export interface HopList {
  readonly filter: Filter;
  readonly hops: readonly Hop[];
  readonly upTo: number;
  readonly changes: number;
}

/** The list after what has come since: only the new ones are looked at, unless an outcome that the filter asks for was corrected. Pure. */
export function extend(ring: HopRing, filter: Filter, before: HopList | undefined): HopList {
  const kept = before !== undefined && before.filter === filter && ring.total >= before.upTo && (filter.outcomes.length === 0 || ring.changes === before.changes) ? before : undefined;
  const read = { filter, upTo: ring.total, changes: ring.changes };
  const fresh: Hop[] = [];
  const count = kept === undefined ? ring.size : Math.min(ring.size, ring.total - kept.upTo);
  for (let index = 0; index < count; index += 1) {
    const hop = ring.newest(index);
    if (hop !== undefined && passes(hop, filter)) fresh.push(hop);
  }
  if (kept === undefined) return { ...read, hops: fresh };
  if (fresh.length === 0) return { ...read, hops: kept.hops };
  const oldest = ring.total - ring.size;
  const hops = [...fresh, ...kept.hops];
  while ((hops.at(-1)?.sequence ?? oldest) < oldest) hops.pop();
  return { ...read, hops };
}
