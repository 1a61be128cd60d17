/** Waits for a frame; returns how to stop waiting. Passed in, so that tests need not wait. */
export type NextFrame = (run: () => void) => () => void;

/** What pacing needs of a browser. */
export interface FrameSource {
  /** Milliseconds on a clock that only goes forward. */
  now(): number;
  /** A hidden window has no frames. */
  hidden(): boolean;
  frame: NextFrame;
  after(milliseconds: number, run: () => void): () => void;
}

/** The page's own frames. */
export const browserFrames: FrameSource = {
  now: () => performance.now(),
  hidden: () => document.hidden,
  frame: run => { const frame = requestAnimationFrame(run); return () => cancelAnimationFrame(frame); },
  after: (milliseconds, run) => { const timer = setTimeout(run, milliseconds); return () => clearTimeout(timer); },
};

/**
 * Frames at most every `rest` milliseconds (and a frame): the first after a rest is the very next one, so that what comes alone is shown
 * at once. In a hidden window the timer alone keeps things going.
 */
export function pacedFrames({ now, hidden, frame, after }: FrameSource, rest: number): NextFrame {
  let last = -Infinity;
  return run => {
    const told = (): void => { last = now(); run(); };
    const wait = last + rest - now();
    if (wait <= 0 && !hidden()) return frame(told);
    let cancel = (): void => undefined;
    const cancelTimer = after(Math.max(0, wait), () => { if (hidden()) told(); else cancel = frame(told); });
    return () => { cancelTimer(); cancel(); };
  };
}
