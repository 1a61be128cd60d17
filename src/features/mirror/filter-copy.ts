import type { Body, BodySink, HeaderMap } from '../../sidecar/hooks.ts';

/** Longest body that is mirrored when it does not come at once. */
const limit = 1024 * 1024;

/** A body that is also kept, and handed over when it has come to its end; a longer one than 1 MiB is passed on only. */
export function copied(body: Body, whole: (bytes: Buffer) => void): Body {
  return {
    length: body.length,
    ready: undefined,
    pipe: (sink) => body.pipe(new Copy(sink, whole)),
    resume: () => body.resume(),
    cancel: (reason) => body.cancel(reason),
  };
}

class Copy implements BodySink {
  readonly #sink: BodySink;
  readonly #whole: (bytes: Buffer) => void;
  #chunks: Buffer[] | undefined = [];
  #size = 0;

  constructor(sink: BodySink, whole: (bytes: Buffer) => void) {
    this.#sink = sink;
    this.#whole = whole;
  }

  data(chunk: Buffer): boolean {
    this.#size += chunk.length;
    if (this.#size > limit) this.#chunks = undefined;
    this.#chunks?.push(chunk);
    return this.#sink.data(chunk);
  }

  end(trailers: HeaderMap | undefined): void {
    this.#sink.end(trailers);
    if (this.#chunks !== undefined) this.#whole(Buffer.concat(this.#chunks));
  }

  error(reason: string): void {
    this.#chunks = undefined;
    this.#sink.error(reason);
  }
}
