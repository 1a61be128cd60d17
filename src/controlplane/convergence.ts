import type { PilotMetrics } from './telemetry/pilot.ts';

/** Measures how long changes take to be acknowledged. */
export interface Convergence {
  changed(version: string): void;
  acknowledged(proxy: string, version: string): void;
}

/** Starts measuring; each proxy counts once per change. */
export function createConvergence(metrics: PilotMetrics, now: () => number): Convergence {
  let current = { version: '', time: 0, seen: new Set<string>() };
  return {
    changed: (version) => { current = { version, time: now(), seen: new Set() }; },
    acknowledged: (proxy, version) => {
      if (version !== current.version || current.seen.has(proxy)) return;
      current.seen.add(proxy);
      metrics.converged((now() - current.time) / 1000);
    },
  };
}
