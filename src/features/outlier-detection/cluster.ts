import type { Clock, HostMonitor } from '../../sidecar/hooks.ts';
import { milliseconds } from '../../util/envoy-json.ts';
import type { Cluster } from '../../xds/index.ts';

/** What the detector is made from and tells. */
export interface DetectorEnvironment {
  readonly clock: Clock;
  /** In [0, 1). */
  random(): number;
  /** A host was ejected or came back: choose anew. */
  changed(): void;
}

/** Counts since the cluster was first there, with the names of Envoy's statistics. */
export interface EjectionCounters {
  ejections_detected: number;
  ejections_enforced_total: number;
  ejections_overflow: number;
}

type EjectionReason = NonNullable<HostMonitor['ejection']>['reason'];

interface Thresholds {
  readonly count: number;
  /** Share of detections that are enforced, 0 to 1. */
  readonly enforced: number;
}

interface Rules {
  readonly any: Thresholds;
  readonly gateway: Thresholds;
  readonly local: Thresholds;
  readonly split: boolean;
  readonly interval: number;
  readonly baseTime: number;
  readonly maxTime: number;
  readonly maxPercent: number;
}

/**
 * Leaves out hosts that keep failing, for a time that grows with every ejection and shrinks while a host behaves.
 * Source: Envoy, "Outlier detection"; config.cluster.v3.OutlierDetection.
 */
export class OutlierDetector {
  readonly counters: EjectionCounters = { ejections_detected: 0, ejections_enforced_total: 0, ejections_overflow: 0 };
  readonly #rules: Rules;
  readonly #environment: DetectorEnvironment;
  readonly #started: number;
  #monitors = new Map<string, Monitor>();
  #cancelSweep: (() => void) | undefined;
  #closed = false;

  constructor(config: NonNullable<Cluster['outlierDetection']>, environment: DetectorEnvironment) {
    this.#rules = rulesOf(config);
    this.#environment = environment;
    this.#started = environment.clock.now();
  }

  /** Who is watched from now on; what is known of those that stay is kept. */
  watch(addresses: Iterable<string>): void {
    const next = new Map<string, Monitor>();
    for (const address of addresses) next.set(address, this.#monitors.get(address) ?? new Monitor(this, this.#rules));
    for (const [address, monitor] of this.#monitors) if (!next.has(address)) monitor.abandon();
    this.#monitors = next;
  }

  /** The monitor of a host that is watched. */
  monitor(address: string): HostMonitor | undefined {
    return this.#monitors.get(address);
  }

  /** Hosts that are left out now. */
  get ejected(): number {
    let count = 0;
    for (const { ejection } of this.#monitors.values()) if (ejection !== undefined) count++;
    return count;
  }

  close(): void {
    this.#closed = true;
    this.#cancelSweep?.();
  }

  /** Called by a monitor whose host has failed often enough. */
  detected(monitor: Monitor, reason: EjectionReason, { enforced }: Thresholds): void {
    if (monitor.ejection !== undefined || this.#closed) return;
    this.counters.ejections_detected++;
    const { clock, random } = this.#environment;
    const share = (100 * this.ejected) / Math.max(1, this.#monitors.size);
    if (share >= this.#rules.maxPercent) {
      this.counters.ejections_overflow++;
      return;
    }
    if (enforced < 1 && random() >= enforced) return;
    this.counters.ejections_enforced_total++;
    const now = clock.now();
    monitor.eject(now, reason, (ends) => this.#tickAtOrAfter(ends));
    this.#sweepLater();
    this.#environment.changed();
  }

  /** Hosts come back when the detector next looks, as in Envoy. */
  #tickAtOrAfter(time: number): number {
    const { interval } = this.#rules;
    return this.#started + Math.ceil((time - this.#started) / interval) * interval;
  }

  #sweepLater(): void {
    if (this.#cancelSweep !== undefined || this.#closed) return;
    const now = this.#environment.clock.now();
    const due = this.#tickAtOrAfter(now);
    this.#cancelSweep = this.#environment.clock.after(due > now ? due - now : this.#rules.interval, this.#sweep);
  }

  readonly #sweep = (): void => {
    this.#cancelSweep = undefined;
    const now = this.#environment.clock.now();
    const returned = [...this.#monitors.values()].filter((monitor) => monitor.sweep(now)).length;
    if ([...this.#monitors.values()].some((monitor) => monitor.remembers)) this.#sweepLater();
    if (returned > 0) this.#environment.changed();
  };
}

/** How one host did. */
class Monitor implements HostMonitor {
  ejection: HostMonitor['ejection'];
  ejections = 0;
  readonly #detector: OutlierDetector;
  readonly #rules: Rules;
  #any = 0;
  #gateway = 0;
  #local = 0;
  /** What the base time is multiplied by at the next ejection, less one. */
  #multiplier = 0;
  #ends = 0;
  #gone = false;

  constructor(detector: OutlierDetector, rules: Rules) {
    this.#detector = detector;
    this.#rules = rules;
  }

  answered(status: number): void {
    if (status < 500) {
      this.#any = 0;
      this.#gateway = 0;
      return;
    }
    const { any, gateway } = this.#rules;
    if (status >= 502 && status <= 504) {
      if (++this.#gateway === gateway.count) this.#fail('consecutive-gateway-errors', gateway);
    } else this.#gateway = 0;
    if (++this.#any === any.count) this.#fail('consecutive-5xx-errors', any);
  }

  reached(): void {
    if (this.#rules.split) this.#local = 0;
  }

  unreachable(how: 'connection' | 'timeout'): void {
    if (!this.#rules.split) {
      this.answered(how === 'timeout' ? 504 : 503);
      return;
    }
    if (++this.#local === this.#rules.local.count) this.#fail('consecutive-local-origin-failures', this.#rules.local);
  }

  /** No longer a host of the cluster. */
  abandon(): void {
    this.#gone = true;
  }

  eject(now: number, reason: EjectionReason, returnsAt: (ends: number) => number): void {
    const { baseTime, maxTime } = this.#rules;
    this.ejections++;
    if (baseTime * this.#multiplier < maxTime) this.#multiplier++;
    this.#ends = now + Math.min(baseTime * this.#multiplier, maxTime);
    this.ejection = { since: now, until: returnsAt(this.#ends), reason };
  }

  /** A time of peace passes: an ejection ends, or makes the next one shorter. True when the host is back. */
  sweep(now: number): boolean {
    if (this.ejection === undefined) {
      if (this.#multiplier > 0) this.#multiplier--;
      return false;
    }
    if (now < this.#ends) return false;
    this.ejection = undefined;
    this.#any = this.#gateway = this.#local = 0;
    return true;
  }

  /** Whether time still changes anything for it. */
  get remembers(): boolean {
    return this.ejection !== undefined || this.#multiplier > 0;
  }

  #fail(reason: EjectionReason, thresholds: Thresholds): void {
    if (reason === 'consecutive-5xx-errors') this.#any = 0;
    else if (reason === 'consecutive-gateway-errors') this.#gateway = 0;
    else this.#local = 0;
    if (!this.#gone) this.#detector.detected(this, reason, thresholds);
  }
}

/** Envoy's defaults: 5 of each kind, of which only 5xx and local failures are enforced; looked at every 10 s; 30 s of ejection at first, 300 s at most; a tenth of the hosts. */
function rulesOf(config: NonNullable<Cluster['outlierDetection']>): Rules {
  const thresholds = (count: unknown, enforced: unknown, otherwise: number): Thresholds => ({ count: Number(count ?? 5), enforced: Number(enforced ?? otherwise) / 100 });
  const baseTime = milliseconds(config.baseEjectionTime) ?? 30_000;
  return {
    any: thresholds(config.consecutive5xx, config.enforcingConsecutive5xx, 100),
    gateway: thresholds(config.consecutiveGatewayFailure, config.enforcingConsecutiveGatewayFailure, 0),
    local: thresholds(config.consecutiveLocalOriginFailure, config.enforcingConsecutiveLocalOriginFailure, 100),
    split: config.splitExternalLocalOriginErrors === true,
    interval: Math.max(1, milliseconds(config.interval) ?? 10_000),
    baseTime,
    maxTime: milliseconds(config.maxEjectionTime) ?? Math.max(300_000, baseTime),
    maxPercent: Math.min(100, Number(config.maxEjectionPercent ?? 10)),
  };
}
