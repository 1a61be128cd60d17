import { durationBuckets } from '../../contract/index.ts';

/**
 * A quantile of a histogram over Istio's duration buckets, in milliseconds: linear within the bucket, the highest bound for what lies above all of them,
 * 0 for an empty histogram. Source: Prometheus, `histogram_quantile`.
 */
export function quantile(q: number, counts: readonly number[]): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return 0;
  const rank = q * total;
  let below = 0;
  for (const [index, count] of counts.entries()) {
    if (count > 0 && below + count >= rank) {
      const lower = durationBuckets[index - 1] ?? 0;
      const upper = durationBuckets[index];
      return upper === undefined ? lower : lower + (upper - lower) * ((rank - below) / count);
    }
    below += count;
  }
  return durationBuckets.at(-1) ?? 0;
}
