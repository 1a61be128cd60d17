import { z } from 'zod';
import type { UpstreamState, UpstreamStatus } from '../../contract/index.ts';

const text = z.string().max(1024);
const count = z.number().min(0);
const counts = z.object({ connections: count, pending: count, requests: count, retries: count });
const reason = z.enum(['consecutive-5xx-errors', 'consecutive-gateway-errors', 'consecutive-local-origin-failures']);
const host = z.object({
  address: text, pod: text, workload: text, version: text, locality: text, priority: count, healthy: z.boolean(), connections: count, requests: count, succeeded: count, failed: count,
  ejections: count, ejection: z.object({ since: z.number(), until: z.number(), reason }).exactOptional(),
});
const state = z.object({
  cluster: text, service: text, limits: z.object({ connections: count.exactOptional(), pending: count.exactOptional(), requests: count.exactOptional(), retries: count.exactOptional() }),
  use: counts, overflows: counts, panic: z.boolean(), hosts: z.array(host).max(1000),
}) satisfies z.ZodType<UpstreamState>;

/** Upstream clusters as the proxies see them now. */
export interface Upstreams {
  /** What a proxy says, of all of its clusters; `states` comes from outside: what does not fit is left out. */
  set(proxy: string, states: readonly unknown[]): void;
  /** The proxy has gone, and what it saw with it. */
  forget(proxy: string): void;
  all(): readonly UpstreamStatus[];
  /** Calls with all of them, soon after any has changed; returns how to stop. */
  listen(listener: (upstreams: readonly UpstreamStatus[]) => void): () => void;
  stop(): void;
}

const most = 5000;
const quiet = 100;

/** Keeps what proxies say; nothing is stored. */
export function createUpstreams(): Upstreams {
  const byProxy = new Map<string, readonly UpstreamStatus[]>();
  const listeners = new Set<(upstreams: readonly UpstreamStatus[]) => void>();
  let timer: NodeJS.Timeout | undefined;
  const all = (): readonly UpstreamStatus[] => [...byProxy].sort(([one], [other]) => (one < other ? -1 : 1)).flatMap(([, states]) => states);
  const tell = (): void => {
    timer = undefined;
    const now = all();
    for (const listener of listeners) listener(now);
  };
  const changed = (): void => { if (listeners.size > 0) timer ??= setTimeout(tell, quiet); };
  return {
    all,
    set(proxy, states) {
      byProxy.set(proxy, states.slice(0, most).flatMap((one) => {
        const parsed = state.safeParse(one);
        return parsed.success ? [{ proxy, ...parsed.data }] : [];
      }));
      changed();
    },
    forget(proxy) { if (byProxy.delete(proxy)) changed(); },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop() {
      clearTimeout(timer);
      listeners.clear();
    },
  };
}
