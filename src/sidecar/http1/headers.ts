import type { HeaderMap } from '../hooks.ts';

/**
 * Header fields in their order. Names are lower-case; few enough that a scan beats a map. Fields that a parser has read keep their place in the
 * text that they came in, so that runs of fields which nobody changed go out again as one piece.
 */
export class Headers implements HeaderMap {
  readonly names: string[];
  readonly values: string[];
  readonly #text: string;
  /** Where a field's line starts and ends in the text; -1 when it is not from there. */
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  /** `text` is what {@link Headers.push} refers to. */
  constructor(text = '', names: string[] = [], values: string[] = []) {
    this.#text = text;
    this.names = names;
    this.values = values;
  }

  /** A map of fields that are known to be well formed; the lists are copied. */
  static from(names: readonly string[], values: readonly string[]): Headers {
    return new Headers('', names.slice(), values.slice());
  }

  get(name: string): string | undefined {
    const index = this.names.indexOf(name);
    return index < 0 ? undefined : this.values[index];
  }

  joined(name: string): string | undefined {
    const first = this.names.indexOf(name);
    if (first < 0) return undefined;
    let value = this.values[first] as string;
    for (let index = this.names.indexOf(name, first + 1); index >= 0; index = this.names.indexOf(name, index + 1)) value += `,${this.values[index] as string}`;
    return value;
  }

  has(name: string): boolean {
    return this.names.includes(name);
  }

  set(name: string, value: string): void {
    this.put(name, printable(value));
  }

  /** {@link Headers.set} for a value that is known to be fit for the wire. */
  put(name: string, value: string): void {
    const index = this.names.indexOf(name);
    if (index < 0) {
      this.push(name, value);
      return;
    }
    this.values[index] = value;
    if (this.#text !== '') this.#starts[index] = -1;
    for (let other = this.names.lastIndexOf(name); other > index; other = this.names.lastIndexOf(name)) this.#removeAt(other);
  }

  add(name: string, value: string): void {
    this.push(name, printable(value), -1, -1);
  }

  delete(name: string): void {
    for (let index = this.names.indexOf(name); index >= 0; index = this.names.indexOf(name, index)) this.#removeAt(index);
  }

  *entries(): IterableIterator<readonly [string, string]> {
    for (let index = 0; index < this.names.length; index++) yield [this.names[index] as string, this.values[index] as string];
  }

  /** A copy as plain pairs. */
  pairs(): (readonly [string, string])[] {
    return this.names.map((name, index) => [name, this.values[index] as string] as const);
  }

  /** Appends a field that is known to be well formed; with the place of its line when a parser read it. */
  push(name: string, value: string, start = -1, end = -1): void {
    this.names.push(name);
    this.values.push(value);
    if (this.#text === '') return;
    this.#starts.push(start);
    this.#ends.push(end);
  }

  /** Removes the fields that a predicate names. */
  prune(unwanted: (name: string) => boolean): void {
    for (let index = this.names.length - 1; index >= 0; index--) if (unwanted(this.names[index] as string)) this.#removeAt(index);
  }

  /** Field lines for HTTP/1.1, without `content-length`, which belongs to the framing. */
  lines(): string {
    const { names, values } = this;
    let lines = '';
    if (this.#text === '') {
      for (let index = 0; index < names.length; index++) if (names[index] !== 'content-length') lines += `${names[index] as string}: ${values[index] as string}\r\n`;
      return lines;
    }
    let from = 0;
    let to = -1;
    for (let index = 0; index < names.length; index++) {
      const name = names[index] as string;
      if (name.length === 14 && name === 'content-length') continue;
      const start = this.#starts[index] as number;
      if (start >= 0 && start === to) {
        to = this.#ends[index] as number;
        continue;
      }
      if (to >= 0) lines += this.#text.slice(from, to);
      to = -1;
      if (start >= 0) {
        from = start;
        to = this.#ends[index] as number;
      } else lines += `${name}: ${values[index] as string}\r\n`;
    }
    return to >= 0 ? lines + this.#text.slice(from, to) : lines;
  }

  #removeAt(index: number): void {
    this.names.splice(index, 1);
    this.values.splice(index, 1);
    if (this.#text === '') return;
    this.#starts.splice(index, 1);
    this.#ends.splice(index, 1);
  }
}

/**
 * A value that can stand on the wire: characters above U+00FF become their UTF-8 bytes (written as latin1 they would lose their upper half,
 * and U+010A would turn into a line feed), control characters become spaces.
 */
export function printable(value: string): string {
  if (!/[^\t\x20-\x7e\x80-\xff]/.test(value)) return value;
  const bytes = /[^\x00-\xff]/.test(value) ? Buffer.from(value, 'utf8').toString('latin1') : value;
  return bytes.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, ' ');
}
