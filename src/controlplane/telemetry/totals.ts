import type { MetricDelta } from '../../contract/index.ts';
import { labelNames } from './schema.ts';

/** Sums of deltas by label set. */
export interface Totals {
  add(delta: MetricDelta): void;
  values(): readonly MetricDelta[];
  clear(): void;
  /** Deltas that were not counted because there are too many label sets. */
  readonly dropped: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Sum = Mutable<Omit<MetricDelta, 'durations'>> & { durations: number[] };
const sums = ['requests', 'durationSum', 'requestBytes', 'responseBytes', 'tcpOpened', 'tcpClosed', 'tcpSent', 'tcpReceived'] as const;

/** Sums deltas up, for at most `maxSeries` label sets: more than that is a client that invents labels. */
export function createTotals(maxSeries: number): Totals {
  const bySet = new Map<string, Sum>();
  let dropped = 0;
  return {
    get dropped() { return dropped; },
    add: (delta) => {
      const key = keyOf(delta);
      const sum = bySet.get(key);
      if (sum !== undefined) {
        for (const field of sums) sum[field] += delta[field];
        for (const [index, count] of delta.durations.entries()) sum.durations[index] = (sum.durations[index] ?? 0) + count;
      } else if (bySet.size < maxSeries) bySet.set(key, { ...delta, durations: [...delta.durations] });
      else dropped++;
    },
    values: () => [...bySet.values()],
    clear: () => bySet.clear(),
  };
}

function keyOf({ labels, shown }: MetricDelta): string {
  return `${labelNames.map((name) => labels[name]).join('\u0000')}${shown === undefined ? '' : JSON.stringify(shown)}`;
}
