import { useRef } from 'react';
import { useTraffic, useTrafficVersion, useUi, type Hop } from '../../lab/index.ts';
import type { HopRing } from '../../lab/hops.ts';
import { parseFilter, passes, type Filter } from './filter.ts';

/** The requests that are shown, newest first. */
export interface HopList {
  readonly hops: readonly Hop[];
  /** Requests that came while paused and wait to be shown. */
  readonly held: number;
  /** True when there are requests, though none may pass the filter. */
  readonly any: boolean;
}

interface Kept { readonly filter: Filter; readonly hops: readonly Hop[]; readonly upTo: number }

/** The list after what has come since: only the new ones are looked at. Pure. */
export function extend(ring: HopRing, filter: Filter, kept: Kept | undefined): Kept {
  const same = kept !== undefined && kept.filter === filter && ring.total >= kept.upTo;
  const fresh: Hop[] = [];
  const count = same ? Math.min(ring.size, ring.total - kept.upTo) : ring.size;
  for (let index = 0; index < count; index += 1) {
    const hop = ring.newest(index);
    if (hop !== undefined && passes(hop, filter)) fresh.push(hop);
  }
  if (!same) return { filter, hops: fresh, upTo: ring.total };
  if (fresh.length === 0) return { ...kept, upTo: ring.total };
  const oldest = ring.total - ring.size;
  const hops = [...fresh, ...kept.hops];
  while ((hops.at(-1)?.sequence ?? oldest) < oldest) hops.pop();
  return { filter, hops, upTo: ring.total };
}

/** The requests that pass the filter at hand; stands still while paused. */
export function useHops(): HopList {
  const { ring } = useTraffic();
  useTrafficVersion();
  const text = useUi(state => state.filter);
  const outcomes = useUi(state => state.outcomes);
  const paused = useUi(state => state.paused);
  const filter = useRef<{ readonly text: string; readonly outcomes: readonly string[]; readonly value: Filter }>(undefined);
  if (filter.current?.text !== text || filter.current.outcomes !== outcomes) filter.current = { text, outcomes, value: parseFilter(text, outcomes) };
  const kept = useRef<Kept>(undefined);
  const before = kept.current;
  const changed = before === undefined || before.filter !== filter.current.value || ring.total < before.upTo;
  if (changed || !paused) kept.current = extend(ring, filter.current.value, before);
  const shown = kept.current as Kept;
  return { hops: shown.hops, held: ring.total - shown.upTo, any: ring.total > 0 };
}
