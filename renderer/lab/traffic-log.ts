import type { LabStatus, RequestRecord } from '../../src/contract/index.ts';
import { browserFrames, pacedFrames, type NextFrame } from './frames.ts';
import { HopRing, type Hop, type Intake } from './hops.ts';

/** Milliseconds between two tellings: the eye cannot follow a faster list, and the graph needs the frames. */
const rest = 40;
/** A batch of this many requests costs a frame enough to take them in: what they look like is the next frame's work. */
const bigBatch = 10;

/**
 * The live requests, outside of React: views are told at most once a frame, the dot layer is told of each batch.
 */
export class TrafficLog {
  readonly ring: HopRing;
  private readonly nextFrame: NextFrame;
  private readonly listeners = new Set<() => void>();
  private readonly batchListeners = new Set<(intake: Intake) => void>();
  private proxies: ReadonlySet<string> = new Set();
  private status: LabStatus | undefined;
  private cancelFrame: (() => void) | undefined;
  private readonly quiet = new Set<() => void>();
  private revision = 0;

  constructor(options: { readonly capacity?: number; readonly nextFrame?: NextFrame } = {}) {
    this.ring = new HopRing(options.capacity ?? 5000);
    this.nextFrame = options.nextFrame ?? pacedFrames(browserFrames, rest);
  }

  /** Changes whenever what views would show has changed; for `useSyncExternalStore`. */
  readonly version = (): number => this.revision;

  /** Tells at most once a frame that something changed. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => { this.listeners.delete(listener); };
  };

  /** Tells of each live batch as it comes, for drawing. */
  onBatch(listener: (intake: Intake) => void): () => void {
    this.batchListeners.add(listener);
    return () => { this.batchListeners.delete(listener); };
  }

  /** Takes in records, oldest first. `live` is false for history, which is listed but not drawn as motion. */
  add(records: readonly RequestRecord[], status: LabStatus | undefined, live: boolean): void {
    this.know(status);
    const intake = this.ring.add(records, record => record.source.pod !== '' && this.proxies.has(record.source.pod));
    if (intake.added.length === 0 && intake.changed.length === 0) return;
    if (live) for (const listener of this.batchListeners) listener(intake);
    this.changed(intake.added.length >= bigBatch);
  }

  /** Runs in a frame in which views are not told of requests, so that no frame bears both. */
  between(run: () => void): void {
    if (this.cancelFrame === undefined) browserFrames.frame(run);
    else this.quiet.add(run);
  }

  find(key: string): Hop | undefined { return this.ring.find(key); }

  clear(): void {
    this.ring.clear();
    this.changed();
  }

  stop(): void {
    this.cancelFrame?.();
    this.listeners.clear();
    this.batchListeners.clear();
    this.quiet.clear();
  }

  private know(status: LabStatus | undefined): void {
    if (status === undefined || status === this.status) return;
    this.status = status;
    this.proxies = new Set(status.pods.filter(pod => pod.sidecar || pod.kind === 'gateway').map(pod => `${pod.namespace}/${pod.name}`));
  }

  private changed(big = false): void {
    this.cancelFrame ??= this.nextFrame(() => {
      if (big && !browserFrames.hidden()) this.cancelFrame = browserFrames.frame(this.tell);
      else this.tell();
    });
  }

  private readonly tell = (): void => {
    this.cancelFrame = undefined;
    this.revision += 1;
    for (const listener of this.listeners) listener();
    for (const run of this.quiet) browserFrames.frame(run);
    this.quiet.clear();
  };
}
