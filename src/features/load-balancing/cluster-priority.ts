/** How many hosts of one priority there are, and how many may serve. */
export interface PriorityHealth {
  readonly hosts: number;
  readonly healthy: number;
  readonly degraded: number;
}

/** The share of requests that each priority gets, in percent, by what its hosts are; and where health no longer counts. */
export interface PriorityLoads {
  readonly healthy: readonly number[];
  readonly degraded: readonly number[];
  readonly panic: readonly boolean[];
}

/** Percentages; Envoy's defaults are 140 and 50. */
export interface PriorityRules {
  readonly overprovisioning: number;
  readonly panicThreshold: number;
}

/**
 * Spreads load over priorities: each takes what its healthy hosts can, reckoned with some to spare; the rest goes to the next.
 * When not even all of them together could take everything, those below the threshold panic: they use all of their hosts.
 * Source: Envoy, "Priority levels", "Degraded endpoints", "Panic threshold".
 */
export function priorityLoads(levels: readonly PriorityHealth[], { overprovisioning, panicThreshold }: PriorityRules): PriorityLoads {
  const able = (kind: 'healthy' | 'degraded'): readonly number[] => levels.map((level) => (level.hosts === 0 ? 0 : Math.min(100, Math.floor((overprovisioning * level[kind]) / level.hosts))));
  const health = able('healthy');
  const degradedHealth = able('degraded');
  const total = Math.min(100, sum(health) + sum(degradedHealth));
  const panic = levels.map(({ hosts, healthy, degraded }) => total < 100 && (hosts === 0 ? 0 : (100 * (healthy + degraded)) / hosts) < panicThreshold);
  if (total === 0 && panicThreshold === 0) return { healthy: levels.map((_level, at) => (at === 0 ? 100 : 0)), degraded: levels.map(() => 0), panic };
  if (panic.every(Boolean)) return { healthy: byNumber(levels), degraded: levels.map(() => 0), panic };
  const healthy = share(health, total, 100);
  const degraded = share(degradedHealth, total, 100 - sum(healthy));
  giveRest(healthy, degraded, health, degradedHealth);
  return { healthy, degraded, panic };
}

/** Everyone panics: each priority gets what its number of hosts is worth. */
function byNumber(levels: readonly PriorityHealth[]): readonly number[] {
  const all = sum(levels.map(({ hosts }) => hosts));
  if (all === 0) return levels.map((_level, at) => (at === 0 ? 100 : 0));
  const loads = levels.map(({ hosts }) => Math.floor((100 * hosts) / all));
  const first = levels.findIndex(({ hosts }) => hosts > 0);
  loads[first] = (loads[first] ?? 0) + 100 - sum(loads);
  return loads;
}

function share(able: readonly number[], total: number, load: number): number[] {
  let left = load;
  return able.map((percent) => {
    const taken = total === 0 ? 0 : Math.min(left, Math.floor((percent * 100) / total));
    left -= taken;
    return taken;
  });
}

/** What rounding has left over goes to the first priority that has anything. */
function giveRest(healthy: number[], degraded: number[], health: readonly number[], degradedHealth: readonly number[]): void {
  const rest = 100 - sum(healthy) - sum(degraded);
  const first = health.findIndex((percent) => percent > 0);
  if (first >= 0) healthy[first] = (healthy[first] ?? 0) + rest;
  else {
    const other = degradedHealth.findIndex((percent) => percent > 0);
    if (other >= 0) degraded[other] = (degraded[other] ?? 0) + rest;
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
