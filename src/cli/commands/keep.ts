import { setTimeout as wait } from 'node:timers/promises';
import { LabFailure } from '../../contract/index.ts';
import type { CliContext } from '../context.ts';

/** Milliseconds: between looks whether the lab is still there, and until an engine that does not answer counts as gone for good. */
const times = { look: 3000, patience: 600_000 };

/** `weft keep`: has a lab open, so that commands of probes run and what fails is restarted; ends with the lab. */
export async function keep({ api, signal }: CliContext, lab: string, { look, patience }: typeof times = times): Promise<void> {
  let seen = Date.now();
  while (!signal.aborted) {
    try {
      if (!(await api.labs({})).some(({ name }) => name === lab)) return;
      // Asking for the status opens the lab, again if its control plane had gone.
      await api.status({ lab });
      seen = Date.now();
    } catch (error) {
      if (!(error instanceof LabFailure) || Date.now() - seen >= patience) throw error;
    }
    await wait(look, undefined, { signal }).catch((error: unknown) => { if (!signal.aborted) throw error; });
  }
}
