interface Source { random(): number }

/** 32-bit words of one request's ids, and requests whose words are drawn in one go. */
const words = 10;
const requests = 32;

/** The ids of each source of chance: what is drawn ahead need not be there for each connection. */
const known = new WeakMap<Source, RandomIds>();

/** Random ids for one request after the other. */
export class RandomIds {
  readonly #words = new Uint32Array(words * requests);
  readonly #bytes = Buffer.from(this.#words.buffer);
  readonly #source: Source;
  #drawn = '';
  #request = requests - 1;
  #digits = '';

  constructor(source: Source) {
    this.#source = source;
  }

  /** The ids that a source gives; all who ask for it take turns. */
  static of(source: Source): RandomIds {
    let ids = known.get(source);
    if (ids === undefined) known.set(source, ids = new RandomIds(source));
    return ids;
  }

  /** The next request's. */
  next(): void {
    if (++this.#request === requests) this.#draw();
    const at = this.#request * words * 8;
    this.#digits = this.#drawn.slice(at, at + words * 8);
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
    const variant = '89ab'.charAt((this.#words[this.#request * words + 8] as number) & 3);
    return `${digits.slice(48, 56)}-${digits.slice(56, 60)}-4${digits.slice(61, 64)}-${variant}${digits.slice(65, 68)}-${digits.slice(68, 80)}`;
  }

  #draw(): void {
    for (let index = 0; index < words * requests; index++) this.#words[index] = Math.floor(this.#source.random() * 0x1_0000_0000);
    this.#drawn = this.#bytes.toString('hex');
    this.#request = 0;
  }
}
