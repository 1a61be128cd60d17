/** Random ids for one request after the other, all of a request's made in one go. */
export class RandomIds {
  readonly #words = new Uint32Array(10);
  readonly #bytes = Buffer.from(this.#words.buffer);
  readonly #source: { random(): number };
  #digits = '';

  constructor(source: { random(): number }) {
    this.#source = source;
  }

  /** Draws anew. */
  next(): void {
    for (let index = 0; index < 10; index++) this.#words[index] = Math.floor(this.#source.random() * 0x1_0000_0000);
    this.#digits = this.#bytes.toString('hex');
  }

  /** 32 lower-case hexadecimal digits. */
  traceId(): string { return this.#digits.slice(0, 32); }

  /** 16 lower-case hexadecimal digits. */
  spanId(): string { return this.#digits.slice(32, 48); }

  /** In [0, 1); another one than the ids are made of. */
  draw(): number { return this.#source.random(); }

  /** A version 4 UUID. */
  uuid(): string {
    const digits = this.#digits;
    return `${digits.slice(48, 56)}-${digits.slice(56, 60)}-4${digits.slice(61, 64)}-${'89ab'.charAt((this.#words[8] as number) & 3)}${digits.slice(65, 68)}-${digits.slice(68, 80)}`;
  }
}
