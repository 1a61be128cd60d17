import type { FromControlPlane, FromProxy, Probe } from '../../contract/index.ts';
import { unknown, type Found } from '../../util/prober.ts';
import type { Clock } from '../hooks.ts';

/** Probes by command: the sidecar cannot run them in another container, so it asks who has the engine. */
export interface CommandProbes {
  /** `unknown` when nobody could run it. */
  ask(probe: Probe): Promise<Found>;
  answered(answer: Extract<FromControlPlane, { probed: unknown }>['probed']): void;
}

/** How long beyond the probe's own timeout the answer may take on its way. */
const wayMs = 5000;

/** Makes one; `send` says whether the message could go out. */
export function createCommandProbes({ clock, send }: { readonly clock: Clock; send(message: FromProxy): boolean }): CommandProbes {
  const open = new Map<number, (found: Found) => void>();
  let last = 0;
  return {
    ask: ({ container, kind, timeout }) => new Promise((resolve) => {
      const id = ++last;
      if (!send({ probe: { id, container, kind } })) {
        resolve(unknown);
        return;
      }
      const settle = (found: Found): void => {
        open.delete(id);
        cancel();
        resolve(found);
      };
      const cancel = clock.after(timeout * 1000 + wayMs, () => { settle(unknown); });
      open.set(id, settle);
    }),
    answered({ id, problem }) { open.get(id)?.(problem ?? undefined); },
  };
}
