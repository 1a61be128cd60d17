import type { Outcome } from '../../../../src/contract/index.ts';
import { along, track, type Curve, type Point, type Track } from './curve.ts';
import { drawSprites, spriteSize, type Sprites } from './sprites.ts';

/** A request to draw. */
export interface DotRequest {
  readonly key: string;
  readonly outcome: Outcome;
  readonly edge: string;
  /** When it sets out, on the clock of `performance.now()`. */
  readonly start: number;
  /** Milliseconds of its way. */
  readonly travel: number;
  /** Share of the edge that it gets to. */
  readonly reach: number;
}

interface Dot { key: string; outcome: Outcome; edge: string; start: number; travel: number; reach: number; x: number; y: number; shown: boolean }
interface Mark { key: string; outcome: Outcome; edge: string; share: number; born: number; x: number; y: number }

/** How long a mark of a failure stays. */
const markTime = 3200;
/** More dots than this are not told apart by anyone; the oldest give way. */
const most = 4000;
/** Outcomes that leave no mark. */
const quiet: ReadonlySet<Outcome> = new Set(['ok', 'retried']);

/** What the layer needs of its surroundings; passed in, so that tests can play them. */
export interface DotSurroundings {
  now(): number;
  nextFrame(run: () => void): void;
}

/**
 * The canvas over the graph: one loop for all dots, which rests while nothing moves. No object is made while it runs.
 */
export class DotLayer {
  /** The canvas; whoever shows the layer puts it into the page. */
  readonly canvas: HTMLCanvasElement;
  private readonly surroundings: DotSurroundings;
  private readonly tracks = new Map<string, Track>();
  private readonly dots: Dot[] = [];
  private readonly marks: Mark[] = [];
  private readonly spareDots: Dot[] = [];
  private readonly spareMarks: Mark[] = [];
  private readonly place = { x: 0, y: 0 };
  private viewport = { x: 0, y: 0, zoom: 1 };
  private size = { width: 0, height: 0, ratio: 1 };
  private sprites: Sprites | undefined;
  private running = false;
  private stopped = true;
  private highlighted = '';

  constructor(canvas: HTMLCanvasElement, surroundings: DotSurroundings) {
    this.canvas = canvas;
    this.surroundings = surroundings;
  }

  /** Number of requests that are on the screen. */
  get count(): number { return this.dots.length; }

  setEdge(id: string, curve: Curve): void { this.tracks.set(id, track(curve)); this.wake(); }
  removeEdge(id: string): void { this.tracks.delete(id); }
  /** The point half-way along an edge. */
  middle(id: string): Point | undefined {
    const line = this.tracks.get(id);
    if (line === undefined) return undefined;
    const point = { x: 0, y: 0 };
    along(line, 0.5, point);
    return point;
  }

  setViewport(x: number, y: number, zoom: number): void {
    this.viewport = { x, y, zoom };
    this.wake();
  }

  /** Size in CSS pixels. */
  resize(width: number, height: number, ratio: number): void {
    if (ratio !== this.size.ratio) this.sprites = undefined;
    this.size = { width, height, ratio };
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.wake();
  }

  /** Colours changed: draw the pictures anew. */
  repaint(): void { this.sprites = undefined; this.wake(); }

  /** The request that is selected is drawn larger. */
  highlight(key: string): void { this.highlighted = key; this.wake(); }

  add(request: DotRequest): void {
    if (this.dots.length >= most) this.release(0);
    const dot = this.spareDots.pop() ?? { key: '', outcome: 'ok', edge: '', start: 0, travel: 0, reach: 1, x: 0, y: 0, shown: false };
    dot.key = request.key; dot.outcome = request.outcome; dot.edge = request.edge; dot.start = request.start;
    dot.travel = request.travel; dot.reach = request.reach; dot.shown = false;
    this.dots.push(dot);
    this.wake();
  }

  /** A later report knows better how a request ended. */
  change(key: string, outcome: Outcome): void {
    for (const dot of this.dots) if (dot.key === key) dot.outcome = outcome;
    for (const mark of this.marks) if (mark.key === key) mark.outcome = outcome;
  }

  clear(): void {
    while (this.dots.length > 0) this.release(this.dots.length - 1);
    this.marks.length = 0;
    this.wake();
  }

  start(): void { this.stopped = false; this.wake(); }
  stop(): void { this.stopped = true; }

  /** The request whose dot or mark is nearest to a place on the canvas, within `distance` CSS pixels. */
  hit(x: number, y: number, distance = 11): string | undefined {
    const { x: left, y: top, zoom } = this.viewport;
    let best = distance * distance;
    let key: string | undefined;
    const near = (point: Point, of: string): void => {
      const dx = point.x * zoom + left - x;
      const dy = point.y * zoom + top - y;
      if (dx * dx + dy * dy < best) { best = dx * dx + dy * dy; key = of; }
    };
    for (const mark of this.marks) near(mark, mark.key);
    for (const dot of this.dots) if (dot.shown) near(dot, dot.key);
    return key;
  }

  private wake(): void {
    if (this.running || this.stopped) return;
    this.running = true;
    this.surroundings.nextFrame(this.frame);
  }

  /** One frame: moves everything and draws it. */
  readonly frame = (): void => {
    this.running = false;
    if (this.stopped) return;
    const context = this.canvas.getContext('2d');
    if (context === null || this.size.width === 0) return;
    this.sprites ??= drawSprites(getComputedStyle(this.canvas), this.size.ratio);
    const now = this.surroundings.now();
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.drawMarks(context, this.sprites, now);
    this.drawDots(context, this.sprites, now);
    context.globalAlpha = 1;
    if (this.dots.length > 0 || this.marks.length > 0) this.wake();
  };

  private drawDots(context: CanvasRenderingContext2D, sprites: Sprites, now: number): void {
    for (let index = this.dots.length - 1; index >= 0; index -= 1) {
      const dot = this.dots[index] as Dot;
      const share = (now - dot.start) / (dot.travel * dot.reach);
      if (share < 0) continue;
      const line = this.tracks.get(dot.edge);
      if (line === undefined || share >= 1) {
        if (line !== undefined && !quiet.has(dot.outcome)) this.mark(dot, now);
        this.release(index);
        continue;
      }
      along(line, share * dot.reach, this.place);
      dot.x = this.place.x; dot.y = this.place.y; dot.shown = true;
      context.globalAlpha = Math.min(1, share * 10, (1 - share) * 12);
      this.picture(context, sprites, dot, 0, dot.key === this.highlighted ? 1.6 : 1);
    }
  }

  private drawMarks(context: CanvasRenderingContext2D, sprites: Sprites, now: number): void {
    let kept = 0;
    for (let index = 0; index < this.marks.length; index += 1) {
      const mark = this.marks[index] as Mark;
      const line = this.tracks.get(mark.edge);
      const life = (now - mark.born) / markTime;
      if (life >= 1 || line === undefined) { this.spareMarks.push(mark); continue; }
      along(line, mark.share, this.place);
      mark.x = this.place.x; mark.y = this.place.y;
      context.globalAlpha = Math.min(1, (1 - life) * 2.5);
      this.picture(context, sprites, mark, 1, life < 0.06 ? 0.7 + life * 8 : mark.key === this.highlighted ? 1.3 : 1);
      this.marks[kept] = mark;
      kept += 1;
    }
    this.marks.length = kept;
  }

  private picture(context: CanvasRenderingContext2D, { picture, cell, column }: Sprites, at: Dot | Mark, row: number, grow: number): void {
    const { x, y, zoom } = this.viewport;
    const { ratio, width, height } = this.size;
    const size = spriteSize * grow * Math.max(0.5, Math.min(1.25, zoom * 1.25));
    const left = at.x * zoom + x - size / 2;
    const top = at.y * zoom + y - size / 2;
    if (left > width || top > height || left < -size || top < -size) return;
    context.drawImage(picture, column[at.outcome] * cell, row * cell, cell, cell, left * ratio, top * ratio, size * ratio, size * ratio);
  }

  private mark(dot: Dot, now: number): void {
    const mark = this.spareMarks.pop() ?? { key: '', outcome: 'ok', edge: '', share: 0, born: 0, x: 0, y: 0 };
    mark.key = dot.key; mark.outcome = dot.outcome; mark.edge = dot.edge; mark.born = now;
    mark.share = dot.reach < 1 ? dot.reach : 0.965;
    this.marks.push(mark);
    if (this.marks.length > 400) this.spareMarks.push(...this.marks.splice(0, 100));
  }

  private release(index: number): void {
    const dot = this.dots[index] as Dot;
    const last = this.dots.pop() as Dot;
    if (last !== dot) this.dots[index] = last;
    this.spareDots.push(dot);
  }
}
