import type { Body, BodySink, HeaderMap } from '../../sidecar/hooks.ts';

/** The first bytes of a body, and the body for who reads it next. */
export interface Beginning {
  readonly bytes: Buffer;
  /** It has no more bytes than these. */
  readonly whole: boolean;
  readonly body: Body;
}

/** Reads up to so many bytes of a body. */
export function beginningOf(body: Body, most: number): Promise<Beginning> {
  const { ready } = body;
  if (ready !== undefined) return Promise.resolve({ bytes: ready.subarray(0, most), whole: ready.length <= most, body });
  return new Promise((resolve) => {
    const taken = new Taken(body, most, (whole) => { resolve({ bytes: taken.bytes(), whole, body: taken }); });
    body.pipe(taken);
  });
}

/** Keeps what is read until there is enough of it; then waits for the one who reads on. */
class Taken implements Body, BodySink {
  readonly ready = undefined;
  readonly #source: Body;
  readonly #most: number;
  #enough: ((whole: boolean) => void) | undefined;
  #kept: Buffer[] = [];
  #size = 0;
  #sink: BodySink | undefined;
  #end: { readonly trailers: HeaderMap | undefined } | undefined;
  #error: string | undefined;

  constructor(source: Body, most: number, enough: (whole: boolean) => void) {
    this.#source = source;
    this.#most = most;
    this.#enough = enough;
  }

  get length(): number | undefined { return this.#source.length; }

  bytes(): Buffer {
    return Buffer.concat(this.#kept).subarray(0, this.#most);
  }

  data(chunk: Buffer): boolean {
    if (this.#sink !== undefined) return this.#sink.data(chunk);
    this.#kept.push(chunk);
    this.#size += chunk.length;
    if (this.#size > this.#most) this.#done(false);
    return this.#enough !== undefined;
  }

  end(trailers: HeaderMap | undefined): void {
    this.#end = { trailers };
    this.#done(true);
    this.#sink?.end(trailers);
  }

  error(reason: string): void {
    this.#error = reason;
    this.#done(false);
    this.#sink?.error(reason);
  }

  pipe(sink: BodySink): void {
    let more = true;
    for (const chunk of this.#kept.splice(0)) more = sink.data(chunk);
    this.#sink = sink;
    if (this.#error !== undefined) sink.error(this.#error);
    else if (this.#end !== undefined) sink.end(this.#end.trailers);
    else if (more) this.#source.resume();
  }

  resume(): void { this.#source.resume(); }

  cancel(reason: string): void { this.#source.cancel(reason); }

  #done(whole: boolean): void {
    const enough = this.#enough;
    this.#enough = undefined;
    enough?.(whole);
  }
}
