import type { Curve } from './curve.ts';
import { DotModel, type DotChange, type DotRequest, type Seen } from './dot-model.ts';
import { drawSprites, spriteSize, type Palette, type Sprites } from './sprites.ts';

/** What the page tells the painter. */
export type DotMessage =
  | { readonly kind: 'edge'; readonly id: string; readonly curve: Curve }
  | { readonly kind: 'no-edge'; readonly id: string }
  | { readonly kind: 'batch'; readonly dots: readonly DotRequest[]; readonly changes: readonly DotChange[] }
  | { readonly kind: 'highlight'; readonly key: string }
  | { readonly kind: 'viewport'; readonly x: number; readonly y: number; readonly zoom: number }
  /** Size in CSS pixels, and device pixels for each. */
  | { readonly kind: 'size'; readonly width: number; readonly height: number; readonly ratio: number }
  | { readonly kind: 'palette'; readonly palette: Palette };

/** What the painter needs of the thread that it runs in; passed in, so that tests can play it. */
export interface PainterSurroundings {
  /** Milliseconds; the clock of `DotRequest.start`. */
  now(): number;
  nextFrame(run: () => void): void;
  createCanvas(width: number, height: number): HTMLCanvasElement | OffscreenCanvas;
}

/** Paints requests on a canvas: one loop for all of them, which rests while nothing moves. */
export class DotPainter {
  private readonly canvas: HTMLCanvasElement | OffscreenCanvas;
  private readonly surroundings: PainterSurroundings;
  private readonly model = new DotModel();
  private viewport = { x: 0, y: 0, zoom: 1 };
  private size = { width: 0, height: 0, ratio: 1 };
  private palette: Palette | undefined;
  private sprites: Sprites | undefined;
  private highlighted = '';
  private running = false;
  private stopped = false;

  constructor(canvas: HTMLCanvasElement | OffscreenCanvas, surroundings: PainterSurroundings) {
    this.canvas = canvas;
    this.surroundings = surroundings;
  }

  stop(): void { this.stopped = true; }

  /** Takes in what the page tells, and paints the next frame. */
  take(message: DotMessage): void {
    switch (message.kind) {
      case 'edge': this.model.setEdge(message.id, message.curve); break;
      case 'no-edge': this.model.removeEdge(message.id); break;
      case 'batch': this.model.take(message.dots, message.changes); break;
      case 'highlight': this.highlighted = message.key; break;
      case 'viewport': this.viewport = message; break;
      case 'size': this.resize(message.width, message.height, message.ratio); break;
      case 'palette': this.palette = message.palette; this.sprites = undefined; break;
    }
    this.wake();
  }

  private resize(width: number, height: number, ratio: number): void {
    if (ratio !== this.size.ratio) this.sprites = undefined;
    this.size = { width, height, ratio };
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
  }

  private wake(): void {
    if (this.running || this.stopped) return;
    this.running = true;
    this.surroundings.nextFrame(this.frame);
  }

  private readonly frame = (): void => {
    this.running = false;
    if (this.stopped || this.palette === undefined || this.size.width === 0) return;
    const context = this.canvas.getContext('2d') as CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D | null;
    if (context === null) return;
    const sprites = this.sprites ??= drawSprites(this.palette, this.size.ratio, this.surroundings.createCanvas);
    const now = this.surroundings.now();
    this.model.advance(now);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.model.each(now, seen => this.picture(context, sprites, seen));
    context.globalAlpha = 1;
    if (this.model.count > 0) this.wake();
  };

  private picture(context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D, { picture, cell, column }: Sprites, seen: Seen): void {
    const { x, y, zoom } = this.viewport;
    const { ratio, width, height } = this.size;
    const chosen = seen.key === this.highlighted;
    const grow = !seen.mark ? (chosen ? 1.6 : 1) : seen.life < 0.06 ? 0.7 + seen.life * 8 : chosen ? 1.3 : 1;
    const size = spriteSize * grow * Math.max(0.5, Math.min(1.25, zoom * 1.25));
    const left = seen.x * zoom + x - size / 2;
    const top = seen.y * zoom + y - size / 2;
    if (left > width || top > height || left < -size || top < -size) return;
    context.globalAlpha = seen.opacity;
    context.drawImage(picture, column[seen.outcome] * cell, seen.mark ? cell : 0, cell, cell, left * ratio, top * ratio, size * ratio, size * ratio);
  }
}
