import type { Body, BodySink, HeaderMap } from '../../sidecar/hooks.ts';

/** Most bytes that are kept to be sent again. */
const limit = 1024 * 1024;

/** A body that several attempts can read, one after the other. */
export interface Replay {
  /** The body for the next attempt. */
  again(): Body;
  /** False when it was too long to keep: then there is no next attempt. */
  readonly replays: boolean;
}

/** Keeps up to 1 MiB of what is read, so that it can be read again. */
export function replayable(body: Body): Replay {
  return body.ready === undefined ? new Recording(body) : { again: () => body, replays: true };
}

/** Reads the source once, whoever listens; a later listener first gets what was kept. */
class Recording implements Replay, BodySink {
  replays = true;
  readonly #source: Body;
  readonly #kept: Buffer[] = [];
  #size = 0;
  #started = false;
  #sink: BodySink | undefined;
  #end: { readonly trailers: HeaderMap | undefined } | undefined;
  #error: string | undefined;

  constructor(source: Body) {
    this.#source = source;
  }

  again(): Body {
    this.#sink = undefined;
    return {
      length: this.#source.length,
      ready: undefined,
      pipe: (sink) => this.#pipe(sink),
      resume: () => this.#source.resume(),
      // The attempt that gave up must not end the source: another may still want it.
      cancel: () => { this.#sink = undefined; },
    };
  }

  data(chunk: Buffer): boolean {
    this.#size += chunk.length;
    if (this.#size > limit) {
      this.replays = false;
      this.#kept.length = 0;
    } else this.#kept.push(chunk);
    return this.#sink === undefined ? this.replays : this.#sink.data(chunk);
  }

  end(trailers: HeaderMap | undefined): void {
    this.#end = { trailers };
    this.#sink?.end(trailers);
  }

  error(reason: string): void {
    this.#error = reason;
    this.#sink?.error(reason);
  }

  #pipe(sink: BodySink): void {
    this.#sink = sink;
    for (const chunk of this.#kept) sink.data(chunk);
    if (this.#error !== undefined) sink.error(this.#error);
    else if (this.#end !== undefined) sink.end(this.#end.trailers);
    else if (this.#started) this.#source.resume();
    else {
      this.#started = true;
      this.#source.pipe(this);
    }
  }
}
