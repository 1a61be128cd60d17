import type { Outcome } from '../../../../src/contract/index.ts';
import { along, track, type Curve, type Point, type Track } from './curve.ts';

/** A request to draw. */
export interface DotRequest {
  readonly key: string;
  readonly outcome: Outcome;
  readonly edge: string;
  /** When it sets out, milliseconds on the clock that page and painter share. */
  readonly start: number;
  /** Milliseconds of its way. */
  readonly travel: number;
  /** Share of the edge that it gets to. */
  readonly reach: number;
}

/** How a request ended, as a later report knows better. */
export interface DotChange {
  readonly key: string;
  readonly outcome: Outcome;
}

/** What is to be seen at a moment: a request under way, or the mark that a failed one left. */
export interface Seen {
  key: string;
  outcome: Outcome;
  x: number;
  y: number;
  mark: boolean;
  /** 0 to 1. */
  opacity: number;
  /** Share of its life that has gone by, 0 to 1. */
  life: number;
}

interface Dot { key: string; outcome: Outcome; edge: string; start: number; travel: number; reach: number }
interface Mark { key: string; outcome: Outcome; edge: string; share: number; born: number }

/** How long a mark of a failure stays. */
const markTime = 3200;
/** More than this are not told apart by anyone; the oldest give way. */
const mostDots = 4000;
const mostMarks = 400;
/** Outcomes that leave no mark. */
const quiet: ReadonlySet<Outcome> = new Set(['ok', 'retried']);

/**
 * Where every request is at any moment. Places follow from the clock alone, so that the page (which asks what is under the pointer)
 * and the painter in its worker each keep one, and agree. No object is made while it is read.
 */
export class DotModel {
  private readonly tracks = new Map<string, Track>();
  private readonly dots: Dot[] = [];
  private readonly marks: Mark[] = [];
  private readonly spare: Dot[] = [];
  private readonly place = { x: 0, y: 0 };
  private readonly seen: Seen = { key: '', outcome: 'ok', x: 0, y: 0, mark: false, opacity: 1, life: 0 };

  /** Requests and marks that are kept. */
  get count(): number { return this.dots.length + this.marks.length; }

  setEdge(id: string, curve: Curve): void { this.tracks.set(id, track(curve)); }
  removeEdge(id: string): void { this.tracks.delete(id); }

  /** The point half-way along an edge. */
  middle(id: string): Point | undefined {
    const line = this.tracks.get(id);
    if (line === undefined) return undefined;
    const point = { x: 0, y: 0 };
    along(line, 0.5, point);
    return point;
  }

  add({ key, outcome, edge, start, travel, reach }: DotRequest): void {
    if (this.dots.length >= mostDots) this.release(0);
    const dot = this.spare.pop() ?? { key, outcome, edge, start, travel, reach };
    dot.key = key; dot.outcome = outcome; dot.edge = edge; dot.start = start; dot.travel = travel; dot.reach = reach;
    this.dots.push(dot);
  }

  /** Takes in a batch: what later reports know better is of dots that were there before. */
  take(dots: readonly DotRequest[], changes: readonly DotChange[]): void {
    for (const { key, outcome } of changes) this.change(key, outcome);
    for (const dot of dots) this.add(dot);
  }

  /** A later report knows better how a request ended. */
  change(key: string, outcome: Outcome): void {
    for (const dot of this.dots) if (dot.key === key) dot.outcome = outcome;
    for (const mark of this.marks) if (mark.key === key) mark.outcome = outcome;
  }

  /** Lets go of what has ended; a failed request leaves its mark. */
  advance(now: number): void {
    for (let index = this.dots.length - 1; index >= 0; index -= 1) {
      const dot = this.dots[index] as Dot;
      const end = dot.start + dot.travel * dot.reach;
      if (now < end) continue;
      if (this.tracks.has(dot.edge) && !quiet.has(dot.outcome)) this.marks.push({ key: dot.key, outcome: dot.outcome, edge: dot.edge, share: dot.reach < 1 ? dot.reach : 0.965, born: end });
      this.release(index);
    }
    let kept = Math.max(0, this.marks.length - mostMarks);
    while (kept < this.marks.length && now - (this.marks[kept] as Mark).born >= markTime) kept += 1;
    if (kept > 0) this.marks.splice(0, kept);
  }

  /** Shows everything that is to be seen now: marks, then dots. The object is the same each time: do not keep it. */
  each(now: number, look: (seen: Seen) => void): void {
    const { seen, place } = this;
    for (const { key, outcome, edge, share, born } of this.marks) {
      const line = this.tracks.get(edge);
      const life = (now - born) / markTime;
      if (line === undefined || life >= 1) continue;
      along(line, share, place);
      seen.key = key; seen.outcome = outcome; seen.x = place.x; seen.y = place.y;
      seen.mark = true; seen.life = life; seen.opacity = Math.min(1, (1 - life) * 2.5);
      look(seen);
    }
    for (const { key, outcome, edge, start, travel, reach } of this.dots) {
      const line = this.tracks.get(edge);
      const life = (now - start) / (travel * reach);
      if (line === undefined || life < 0 || life >= 1) continue;
      along(line, life * reach, place);
      seen.key = key; seen.outcome = outcome; seen.x = place.x; seen.y = place.y;
      seen.mark = false; seen.life = life; seen.opacity = Math.min(1, life * 10, (1 - life) * 12);
      look(seen);
    }
  }

  /** The request whose dot or mark is nearest to a place, within a distance, in the graph's own pixels. */
  hit(x: number, y: number, distance: number, now: number): string | undefined {
    let best = distance * distance;
    let key: string | undefined;
    this.each(now, seen => {
      const far = (seen.x - x) ** 2 + (seen.y - y) ** 2;
      if (far < best) { best = far; key = seen.key; }
    });
    return key;
  }

  private release(index: number): void {
    const dot = this.dots[index] as Dot;
    const last = this.dots.pop() as Dot;
    if (last !== dot) this.dots[index] = last;
    this.spare.push(dot);
  }
}
