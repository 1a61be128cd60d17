import { findLimit, rateLimitDomains } from '../compile/index.ts';
import type { Resource } from '../manifest/index.ts';
import type { RateLimitAnswer, RateLimitQuestion } from '../contract/index.ts';

/** Envoy's rate limit service: counts requests of the whole mesh. */
export interface RateLimitService {
  /** Counts a request that these descriptors describe, and says whether any of their limits is passed. */
  shouldLimit(question: Pick<RateLimitQuestion, 'domain' | 'descriptors'>): RateLimitAnswer;
}

/** Counters that are kept at most; the oldest windows go first. */
const mostCounters = 100_000;

/**
 * Serves the limits that ConfigMaps hold in the format of Envoy's service (`domain`, `descriptors`), as `resources` has them at that moment.
 * Windows are fixed: they begin at whole multiples of their unit, as that service's do.
 */
export function createRateLimits(resources: () => readonly Resource[], now: () => number): RateLimitService {
  const counters = new Map<string, { readonly ends: number; count: number }>();
  let read: { readonly from: readonly Resource[]; readonly domains: ReturnType<typeof rateLimitDomains> } | undefined;

  function domains(): ReturnType<typeof rateLimitDomains> {
    const from = resources();
    if (read?.from !== from) read = { from, domains: rateLimitDomains(from) };
    return read.domains;
  }

  function count(counter: string, seconds: number, time: number): { readonly count: number; readonly reset: number } {
    const ends = (Math.floor(time / 1000 / seconds) + 1) * seconds * 1000;
    let entry = counters.get(counter);
    if (entry === undefined || entry.ends !== ends) {
      counters.delete(counter);
      if (counters.size >= mostCounters) counters.delete(counters.keys().next().value ?? '');
      counters.set(counter, entry = { ends, count: 0 });
    }
    entry.count++;
    return { count: entry.count, reset: Math.ceil((ends - time) / 1000) };
  }

  return {
    shouldLimit({ domain, descriptors }) {
      const rules = domains().get(domain);
      const time = now();
      const found = rules === undefined ? [] : descriptors.flatMap((entries) => findLimit(rules, entries) ?? []);
      const limits = found.map(({ counter, seconds, unit, requests, name, shadow }) => {
        const used = count(counter, seconds, time);
        return { unit, seconds, requests, name, remaining: Math.max(0, requests - used.count), reset: used.reset, over: !shadow && used.count > requests };
      });
      return { over: limits.some(({ over }) => over), limits: limits.map(({ unit, seconds, requests, name, remaining, reset }) => ({ unit, seconds, requests, name, remaining, reset })) };
    },
  };
}
