import type { Figures, Graph } from '../../src/contract/index.ts';

/** The figures of one thing over time: columns, as charts want them. Seconds since the epoch, oldest first. */
export interface Series {
  readonly time: readonly number[];
  readonly rps: readonly number[];
  readonly errors: readonly number[];
  readonly p50: readonly number[];
  readonly p99: readonly number[];
}

const empty: Series = { time: [], rps: [], errors: [], p50: [], p99: [] };

/** Remembers the last figures of every node and edge: about three minutes of them. */
export class History {
  private readonly kept: number;
  private readonly byId = new Map<string, Series>();
  private last = 0;

  constructor(kept = 180) { this.kept = kept; }

  add(graph: Graph): void {
    if (graph.time <= this.last) return;
    this.last = graph.time;
    for (const { id, figures } of graph.nodes) this.append(id, graph.time / 1000, figures);
    for (const { id, figures } of graph.edges) this.append(id, graph.time / 1000, figures);
  }

  /** What is known of a node or an edge. */
  of(id: string): Series { return this.byId.get(id) ?? empty; }

  clear(): void {
    this.byId.clear();
    this.last = 0;
  }

  private append(id: string, time: number, figures: Figures): void {
    const before = this.byId.get(id) ?? empty;
    const add = (column: readonly number[], value: number): readonly number[] => [...column.slice(-(this.kept - 1)), value];
    this.byId.set(id, {
      time: add(before.time, time), rps: add(before.rps, figures.rps), errors: add(before.errors, figures.rps * figures.errorShare),
      p50: add(before.p50, figures.p50), p99: add(before.p99, figures.p99),
    });
  }
}
