/** How a paced store waits for the next frame; passed in, so that tests need not wait. */
export type NextFrame = (run: () => void) => void;

/** Values that are taken in at once are shown this many in a frame. */
const inOneFrame = 3;

/**
 * Values by id, shown a few in each frame: the new figures of a large graph never cost one frame all of their work.
 * What looks the same as before is not shown again; an id that is new is shown at once.
 */
export class Paced<Value> {
  private readonly same: (one: Value, two: Value) => boolean;
  private readonly nextFrame: NextFrame;
  private readonly shown = new Map<string, Value>();
  private readonly waiting = new Map<string, Value>();
  private readonly listeners = new Map<string, Set<() => void>>();
  private asked = false;

  constructor(same: (one: Value, two: Value) => boolean, nextFrame: NextFrame) {
    this.same = same;
    this.nextFrame = nextFrame;
  }

  /** Takes in the newest value of each id; ids that are no longer among them are forgotten. */
  take(values: ReadonlyMap<string, Value>): void {
    for (const id of [...this.shown.keys()]) if (!values.has(id)) { this.shown.delete(id); this.waiting.delete(id); }
    for (const [id, value] of values) {
      const before = this.shown.get(id);
      if (before === undefined) this.shown.set(id, value);
      else if (this.same(before, value)) this.waiting.delete(id);
      else this.waiting.set(id, value);
    }
    this.ask();
  }

  /** What is shown of an id. */
  get(id: string): Value | undefined { return this.shown.get(id); }

  /** Tells when what is shown of an id changes; returns how to stop. */
  subscribe(id: string, listener: () => void): () => void {
    const set = this.listeners.get(id) ?? new Set();
    this.listeners.set(id, set.add(listener));
    return () => { set.delete(listener); };
  }

  private ask(): void {
    if (this.asked || this.waiting.size === 0) return;
    this.asked = true;
    this.nextFrame(() => {
      this.asked = false;
      for (const [id, value] of [...this.waiting].slice(0, inOneFrame)) {
        this.waiting.delete(id);
        this.shown.set(id, value);
        for (const listener of this.listeners.get(id) ?? []) listener();
      }
      this.ask();
    });
  }
}
