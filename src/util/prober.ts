/** A probe's times and thresholds, in seconds, and whose it is. Source: kubernetes.io, "Liveness, Readiness, and Startup Probes". */
export interface ProbeTimes {
  readonly container: string;
  readonly kind: 'readiness' | 'liveness' | 'startup';
  readonly initialDelay: number;
  readonly period: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
  /** What the container has to end in when this probe has it restarted; the pod's own where it is missing. */
  readonly grace?: number;
}

/** What one try of a probe has found: `undefined` for success, what was wrong in words, or `unknown`, which changes nothing. */
export type Found = string | undefined | typeof unknown;

/** Nobody could try. */
export const unknown = Symbol('unknown');

/** What the probes of a pod say together. */
export interface ProbeVerdict {
  readonly ready: boolean;
  /** Why not, or which liveness probe fails. */
  readonly message?: string;
}

/** What the engine says of a container. */
export interface ContainerNews {
  readonly name: string;
  readonly running: boolean;
  /** When it was started last, milliseconds since the epoch. */
  readonly started: number;
}

export interface ProberSettings<Probe extends ProbeTimes> {
  readonly probes: readonly Probe[];
  readonly clock: { after(milliseconds: number, run: () => void): () => void };
  /** Tries a probe once. */
  attempt(probe: Probe): Promise<Found>;
  changed(verdict: ProbeVerdict): void;
  /** A container has failed its liveness or startup probe for the last time: it is to be restarted, if its pod's policy has it so. */
  failed(probe: Probe, why: string): void;
}

/** Probes that run. */
export interface Prober {
  /** A container that was started anew is probed from the beginning; one that does not run is not ready. */
  heard(news: ContainerNews): void;
  stop(): void;
}

/** A pod that has not been ready yet is asked this often, so that a lab starts at the speed of its applications and not of their periods. */
const eagerMs = 500;
/** Without news of a container the pod probes on: this long after it was to end at last, or has ended. Milliseconds. */
const patience = { restart: 10_000, ended: 60_000 };
/** Seconds. */
const usualGrace = 30;

/** State of one probe with Kubernetes' thresholds. A readiness probe begins as failed, the others as passed (a startup probe as failed). */
class Watch<Probe extends ProbeTimes> {
  readonly probe: Probe;
  passing: boolean;
  /** Has passed at least once. */
  passed = false;
  problem = 'not probed yet';
  /** Equal results in a row, and what they say. */
  #row = 0;
  #last: boolean | undefined;
  cancel: () => void = () => undefined;
  /** Counts beginnings: an answer of an earlier one does not count. */
  run = 0;

  constructor(probe: Probe) {
    this.probe = probe;
    this.passing = probe.kind === 'liveness';
  }

  begin(): void {
    this.cancel();
    this.run += 1;
    this.passing = this.probe.kind === 'liveness';
    this.passed = false;
    this.problem = 'not probed yet';
    this.#row = 0;
    this.#last = undefined;
  }

  /** Returns whether what it says has changed, and whether it has failed for good. */
  result(problem: string | undefined): { readonly changed: boolean; readonly fatal: boolean } {
    const before = this.#says();
    const success = problem === undefined;
    if (problem !== undefined) this.problem = problem;
    this.#row = success === this.#last ? this.#row + 1 : 1;
    this.#last = success;
    const decided = this.#row >= (success ? this.probe.successThreshold : this.probe.failureThreshold);
    if (decided) this.passing = success;
    this.passed ||= this.passing && success;
    return { changed: before !== this.#says(), fatal: decided && !success && this.probe.kind !== 'readiness' };
  }

  #says(): string {
    return this.passing ? 'passing' : this.problem;
  }
}

/**
 * Runs the pod's probes until stopped: readiness and liveness of a container only after its startup probe has passed once.
 * Source: kubernetes.io, "Configure Liveness, Readiness and Startup Probes".
 */
export function startProbes<Probe extends ProbeTimes>({ probes, clock, attempt, changed, failed }: ProberSettings<Probe>): Prober {
  const watches = probes.map((probe) => new Watch(probe));
  const known = new Map<string, ContainerNews>();
  /** Containers that are not probed until there is news of them, and how to stop waiting for it. */
  const held = new Map<string, () => void>();
  let stopped = false;

  const of = (container: string): readonly Watch<Probe>[] => watches.filter(({ probe }) => probe.container === container);
  const started = (container: string): boolean => of(container).every(({ probe, passing }) => probe.kind !== 'startup' || passing);
  const say = (): void => { changed(verdict(watches, [...known.values()].filter(({ running }) => !running).map(({ name }) => name))); };

  const round = async (watch: Watch<Probe>): Promise<void> => {
    const { probe, run } = watch;
    const due = probe.kind === 'startup' ? !watch.passing : started(probe.container);
    if (due) {
      const found = await attempt(probe);
      if (stopped || watch.run !== run || held.has(probe.container)) return;
      if (found !== unknown) {
        const result = watch.result(found);
        if (result.changed) say();
        if (result.fatal) {
          hold(probe.container, (probe.grace ?? usualGrace) * 1000 + patience.restart);
          failed(probe, found ?? '');
          return;
        }
      }
    }
    const eager = probe.kind === 'readiness' && !watch.passed;
    watch.cancel = clock.after(Math.min(probe.period * 1000, eager ? eagerMs : Infinity), () => { void round(watch); });
  };
  const begin = (watch: Watch<Probe>): void => {
    watch.begin();
    watch.cancel = clock.after(watch.probe.initialDelay * 1000, () => { void round(watch); });
  };
  const anew = (container: string): void => {
    held.get(container)?.();
    held.delete(container);
    for (const watch of of(container)) begin(watch);
  };
  function hold(container: string, ms: number): void {
    held.get(container)?.();
    for (const watch of of(container)) watch.cancel();
    held.set(container, clock.after(ms, () => {
      known.delete(container);
      anew(container);
      say();
    }));
  }

  for (const watch of watches) begin(watch);
  say();
  return {
    heard(news) {
      const before = known.get(news.name);
      known.set(news.name, news);
      if (!news.running) hold(news.name, patience.ended);
      else if (before !== undefined && before.started !== news.started) anew(news.name);
      else if (before?.running === false) anew(news.name);
      say();
    },
    stop() {
      stopped = true;
      for (const watch of watches) watch.cancel();
      for (const cancel of held.values()) cancel();
    },
  };
}

function verdict(watches: readonly Watch<ProbeTimes>[], ended: readonly string[]): ProbeVerdict {
  const failing = watches.filter(({ passing, probe }) => !passing && !ended.includes(probe.container));
  const message = [...ended.map((name) => `container ${name} does not run`), ...failing.map(({ probe, problem }) => `${probe.kind} probe of ${probe.container}: ${problem}`)].join('; ');
  return { ready: ended.length === 0 && failing.every(({ probe }) => probe.kind === 'liveness'), ...(message === '' ? {} : { message: message.slice(0, 1000) }) };
}
