import type { Page } from 'playwright-core';

/** What the main thread did between two frames, in milliseconds. */
export interface FrameWork {
  readonly frames: number;
  readonly framesPerSecond: number;
  readonly p50: number;
  readonly p95: number;
}

interface TraceEvent { readonly name: string; readonly ph: string; readonly ts: number; readonly dur?: number; readonly tdur?: number; readonly tid: number; readonly pid: number; readonly args?: { readonly name?: string } }

/**
 * Measures each frame's own work (script, style, layout, paint on the page's main thread) from Chromium's trace:
 * processor time of that thread, so that other work on the machine does not count. A frame is one of the display's, as the
 * page's fastest thread sees them (the dots move in a worker): the main thread may have nothing to do in one.
 */
export async function frameWork(page: Page, milliseconds: number): Promise<FrameWork> {
  return summarize(await trace(page, milliseconds, []));
}

/**
 * Share of the frames that paint in which Chromium puts all layers of the page together anew instead of painting over what changed:
 * anything that is drawn in other bounds than before does that, and its price grows with the whole page.
 */
export async function wholeUpdates(page: Page, milliseconds: number): Promise<number> {
  const events = await trace(page, milliseconds, ['blink']);
  const count = (name: string): number => events.filter(event => event.name === name).length;
  return count('PaintArtifactCompositor::Update') / count('Layerize');
}

async function trace(page: Page, milliseconds: number, more: readonly string[]): Promise<readonly TraceEvent[]> {
  const session = await page.context().newCDPSession(page);
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  const complete = new Promise<void>(resolve => { session.once('Tracing.tracingComplete', () => resolve()); });
  await session.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline', '__metadata', ...more] } });
  await page.waitForTimeout(milliseconds);
  await session.send('Tracing.end');
  await complete;
  return events;
}

function summarize(events: readonly TraceEvent[]): FrameWork {
  const callbacks = events.filter(event => event.name === 'FireAnimationFrame' && event.ph === 'X');
  // The browser has pages of its own: ours is the main thread with the most frames.
  const mains = new Set(events.filter(event => event.name === 'thread_name' && event.args?.name === 'CrRendererMain').map(threadOf));
  const main = mostCommon(callbacks.map(threadOf).filter(thread => mains.has(thread)));
  const on = (event: TraceEvent): boolean => threadOf(event) === main;
  const ticking = mostCommon(callbacks.filter(event => `${event.pid}` === main.split('/')[0]).map(threadOf));
  const tasks = events.filter(event => on(event) && event.ph === 'X' && event.name === 'ThreadControllerImpl::RunTask').sort((one, two) => one.ts - two.ts);
  const starts = frameStarts(callbacks.filter(event => threadOf(event) === ticking));
  const work = starts.slice(0, -1).map((start, index) => {
    const end = starts[index + 1] ?? Infinity;
    return tasks.filter(task => task.ts >= start && task.ts < end).reduce((sum, task) => sum + (task.tdur ?? task.dur ?? 0), 0) / 1000;
  }).sort((one, two) => one - two);
  const at = (share: number): number => work[Math.min(work.length - 1, Math.floor(work.length * share))] ?? 0;
  const span = ((starts.at(-1) ?? 0) - (starts[0] ?? 0)) / 1e6;
  return { frames: work.length, framesPerSecond: span === 0 ? 0 : work.length / span, p50: at(0.5), p95: at(0.95) };
}

/** Callbacks of one frame follow each other at once: the first of each group starts it. The task that runs it began a moment earlier. */
function frameStarts(callbacks: readonly TraceEvent[]): readonly number[] {
  const starts: number[] = [];
  for (const { ts } of [...callbacks].sort((one, two) => one.ts - two.ts)) if (ts - (starts.at(-1) ?? -Infinity) > 6000) starts.push(ts - 500);
  return starts;
}

function threadOf({ pid, tid }: TraceEvent): string { return `${pid}/${tid}`; }

function mostCommon(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort(([, one], [, two]) => two - one)[0]?.[0] ?? '';
}
