import type { FromProxy, RateLimitAnswer } from '../../contract/index.ts';
import type { Clock } from '../hooks.ts';

/** Asks the control plane, which serves rate limits, over the wire that is open anyway. */
export interface RateLimitClient {
  /** `undefined` when there is no answer within `timeout` milliseconds, or nobody to ask. */
  ask(domain: string, descriptors: readonly (readonly (readonly [string, string])[])[], timeout: number): Promise<RateLimitAnswer | undefined>;
  answered(id: number, answer: RateLimitAnswer): void;
}

/** Questions that may be open at the same time. */
const mostOpen = 10_000;

/** Makes one; `send` says whether the message could go out. */
export function createRateLimitClient({ clock, send }: { readonly clock: Clock; send(message: FromProxy): boolean }): RateLimitClient {
  const open = new Map<number, (answer: RateLimitAnswer | undefined) => void>();
  let last = 0;
  return {
    ask: (domain, descriptors, timeout) => new Promise((resolve) => {
      const id = ++last;
      if (open.size >= mostOpen || !send({ rateLimit: { id, domain, descriptors } })) {
        resolve(undefined);
        return;
      }
      const settle = (answer: RateLimitAnswer | undefined): void => {
        open.delete(id);
        cancel();
        resolve(answer);
      };
      const cancel = clock.after(timeout, () => settle(undefined));
      open.set(id, settle);
    }),
    answered(id, answer) { open.get(id)?.(answer); },
  };
}
