import { DotPainter, type DotMessage } from './dot-painter.ts';

/** Paints on the canvas that the first message brings; all others are for the painter. */
let painter: DotPainter | undefined;
addEventListener('message', ({ data }: MessageEvent<DotMessage | OffscreenCanvas>) => {
  if (data instanceof OffscreenCanvas) {
    painter = new DotPainter(data, {
      now: () => performance.timeOrigin + performance.now(),
      nextFrame: run => { requestAnimationFrame(run); },
      createCanvas: (width, height) => new OffscreenCanvas(width, height),
    });
  } else painter?.take(data);
});
