import type { Probe } from '../../contract/index.ts';
import type { Clock } from '../hooks.ts';

/** What the probes of a pod say together. */
export interface ProbeVerdict {
  readonly ready: boolean;
  /** Why not, or which liveness probe fails. */
  readonly message?: string;
}

export interface ProberSettings {
  readonly probes: readonly Probe[];
  readonly clock: Clock;
  /** Tries a probe once: `undefined` for success, else what was wrong. */
  attempt(probe: Probe): Promise<string | undefined>;
  changed(verdict: ProbeVerdict): void;
}

/** A pod that has not been ready yet is asked this often, so that a lab starts at the speed of its applications and not of their periods. */
const eagerMs = 500;

/** State of one probe with Kubernetes' thresholds. A readiness probe begins as failed, the others as passed (a startup probe as failed). */
class Watch {
  readonly probe: Probe;
  passing: boolean;
  /** Has passed at least once. */
  passed = false;
  problem = 'not probed yet';
  #row = 0;

  constructor(probe: Probe) {
    this.probe = probe;
    this.passing = probe.kind === 'liveness';
  }

  /** Returns whether the verdict changed. */
  result(problem: string | undefined): boolean {
    const before = `${this.passing}${this.passing ? '' : this.problem}`;
    const success = problem === undefined;
    if (problem !== undefined) this.problem = problem;
    if (success === this.passing) this.#row = 0;
    else {
      this.#row += 1;
      if (this.#row >= (success ? this.probe.successThreshold : this.probe.failureThreshold)) {
        this.passing = success;
        this.passed ||= success;
        this.#row = 0;
      }
    }
    return before !== `${this.passing}${this.passing ? '' : this.problem}`;
  }
}

/**
 * Runs the pod's probes until stopped: readiness and liveness of a container only after its startup probe has passed once.
 * Source: kubernetes.io, "Configure Liveness, Readiness and Startup Probes".
 */
export function startProbes({ probes, clock, attempt, changed }: ProberSettings): () => void {
  const watches = probes.map((probe) => new Watch(probe));
  const timers = new Set<() => void>();
  let stopped = false;

  const started = (container: string): boolean => watches.every(({ probe, passing }) => probe.container !== container || probe.kind !== 'startup' || passing);
  const after = (ms: number, run: () => void): void => {
    const cancel = clock.after(ms, () => { timers.delete(cancel); run(); });
    timers.add(cancel);
  };
  const round = async (watch: Watch): Promise<void> => {
    const { probe } = watch;
    const due = probe.kind === 'startup' ? !watch.passing : started(probe.container);
    if (due) {
      const problem = await attempt(probe);
      if (stopped) return;
      if (watch.result(problem)) changed(verdict(watches));
    }
    const eager = probe.kind === 'readiness' && !watch.passed;
    after(Math.min(probe.period * 1000, eager ? eagerMs : Infinity), () => { void round(watch); });
  };
  for (const watch of watches) after(watch.probe.initialDelay * 1000, () => { void round(watch); });
  changed(verdict(watches));
  return () => {
    stopped = true;
    for (const cancel of timers) cancel();
  };
}

function verdict(watches: readonly Watch[]): ProbeVerdict {
  const failing = watches.filter(({ passing }) => !passing);
  const message = failing.map(({ probe, problem }) => `${probe.kind} probe of ${probe.container}: ${problem}`).join('; ');
  return { ready: failing.every(({ probe }) => probe.kind === 'liveness'), ...(message === '' ? {} : { message: message.slice(0, 1000) }) };
}
