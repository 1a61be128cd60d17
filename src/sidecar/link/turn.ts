/**
 * The turn of the event loop that is under way: what is put off to its end runs when all that could be read has been. Work done then is done together: peers are woken
 * once for many messages, and one kind of work at a time stays in the processor's caches.
 */
class Turn {
  #due: (() => void)[] = [];
  #over = false;

  /** The turn's end has come: nothing need be put off any more. */
  get over(): boolean { return this.#over; }

  /** Runs it when the turn has read what there was; at the end itself, behind what else is due. */
  atEnd(run: () => void): void {
    if (this.#due.push(run) === 1 && !this.#over) setImmediate(this.#end);
  }

  readonly #end = (): void => {
    const due = this.#due;
    this.#over = true;
    try {
      // What they put off runs in the same go.
      for (let at = 0; at < due.length; at++) (due[at] as () => void)();
    } finally {
      this.#due = [];
      this.#over = false;
    }
  };
}

/** There is one event loop. */
export const turn = new Turn();
