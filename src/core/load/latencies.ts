/** Latencies in buckets that grow by 5 %, so that percentiles are right to 5 % at a fixed size, however many there are. */
export interface Latencies {
  /** Milliseconds. */
  add(value: number): void;
  /** `share` in 0 to 1; 0 when nothing was added. */
  percentile(share: number): number;
}

const growth = Math.log(1.05);
/** 0.05 ms. */
const smallest = 0.05;
const buckets = 320;

export function latencies(): Latencies {
  const counts = new Uint32Array(buckets);
  let total = 0;
  return {
    add(value) {
      const index = value <= smallest ? 0 : Math.min(buckets - 1, Math.ceil(Math.log(value / smallest) / growth));
      counts[index] = (counts[index] ?? 0) + 1;
      total++;
    },
    percentile(share) {
      let left = Math.max(1, Math.ceil(share * total));
      if (total === 0) return 0;
      for (let index = 0; index < buckets; index++) {
        left -= counts[index] ?? 0;
        if (left <= 0) return Math.round(smallest * Math.exp(index * growth) * 100) / 100;
      }
      return 0;
    },
  };
}
