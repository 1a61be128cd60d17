import { DotPainter, type DotMessage } from './dot-painter.ts';

/** A painter, in whatever thread it is. */
export interface Surface {
  tell(message: DotMessage): void;
  close(): void;
}

/** Milliseconds since the epoch on the monotonic clock, the same in the page and in its workers. */
export function sharedNow(): number {
  return performance.timeOrigin + performance.now();
}

/** Gives a canvas to a painter in a worker of its own, so that moving dots cost the page no frame; where canvases cannot move, the page paints. */
export function openSurface(canvas: HTMLCanvasElement): Surface {
  if (typeof canvas.transferControlToOffscreen !== 'function') {
    const createCanvas = (width: number, height: number): HTMLCanvasElement => Object.assign(document.createElement('canvas'), { width, height });
    const painter = new DotPainter(canvas, { now: sharedNow, nextFrame: run => { requestAnimationFrame(run); }, createCanvas });
    return { tell: message => painter.take(message), close: () => painter.stop() };
  }
  const worker = new Worker(new URL('./dot.worker.ts', import.meta.url), { type: 'module', name: 'dots' });
  const offscreen = canvas.transferControlToOffscreen();
  worker.postMessage(offscreen, [offscreen]);
  return { tell: message => worker.postMessage(message), close: () => worker.terminate() };
}
