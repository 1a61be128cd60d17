import type { Figures, Graph } from '../../src/contract/index.ts';

/** The figures of one thing over time: columns, as charts want them. Seconds since the epoch, oldest first. */
export interface Series {
  readonly time: readonly number[];
  readonly rps: readonly number[];
  readonly errors: readonly number[];
  readonly p50: readonly number[];
  readonly p99: readonly number[];
}

/** The figures of all things at one time. */
interface Moment {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly figures: ReadonlyMap<string, Figures>;
}

/** Remembers the last figures of every node and edge: about three minutes of them. Columns are made of them only for what is looked at. */
export class History {
  private readonly kept: number;
  private moments: readonly Moment[] = [];
  private made = new Map<string, Series>();

  constructor(kept = 180) { this.kept = kept; }

  add({ time, nodes, edges }: Graph): void {
    if (time <= (this.moments.at(-1)?.time ?? 0)) return;
    const figures = new Map([...nodes, ...edges].map(each => [each.id, each.figures]));
    this.moments = [...this.moments.slice(1 - this.kept), { time, figures }];
    this.made.clear();
  }

  /** What is known of a node or an edge; the same object until more is known. */
  of(id: string): Series {
    const made = this.made.get(id) ?? this.make(id);
    this.made.set(id, made);
    return made;
  }

  clear(): void {
    this.moments = [];
    this.made.clear();
  }

  private make(id: string): Series {
    const known = this.moments.flatMap(({ time, figures }) => {
      const of = figures.get(id);
      return of === undefined ? [] : [{ time: time / 1000, ...of }];
    });
    return {
      time: known.map(({ time }) => time), rps: known.map(({ rps }) => rps), errors: known.map(({ rps, errorShare }) => rps * errorShare),
      p50: known.map(({ p50 }) => p50), p99: known.map(({ p99 }) => p99),
    };
  }
}
