import type { HeaderMap } from '../hooks.ts';

/**
 * Header fields in their order. Names are lower-case; few enough that a scan beats a map. Fields that a parser has read keep their place in the
 * text that they came in, so that runs of fields which nobody changed go out again as one piece.
 */
export class Headers implements HeaderMap {
  readonly names: string[];
  readonly values: string[];
  readonly #text: string;
  /** Where a field's line starts and ends in the text, in one number of two halves (a head is shorter than 64 KiB); 0 when it is not from there. */
  readonly #places: number[] = [];
  /** A bit for each length of name that was ever here (modulo 32): most questions are about names that are not, and end at it. */
  #lengths = 0;

  /** `text` is what {@link Headers.push} refers to. */
  constructor(text = '', names: string[] = [], values: string[] = []) {
    this.#text = text;
    this.names = names;
    this.values = values;
    for (const name of names) this.#lengths |= 1 << name.length;
  }

  /** A map of fields that are known to be well formed; the lists are copied. */
  static from(names: readonly string[], values: readonly string[]): Headers {
    return new Headers('', names.slice(), values.slice());
  }

  get(name: string): string | undefined {
    if (!this.#mayHave(name)) return undefined;
    const index = this.names.indexOf(name);
    return index < 0 ? undefined : this.values[index];
  }

  joined(name: string): string | undefined {
    if (!this.#mayHave(name)) return undefined;
    const first = this.names.indexOf(name);
    if (first < 0) return undefined;
    let value = this.values[first] as string;
    for (let index = this.names.indexOf(name, first + 1); index >= 0; index = this.names.indexOf(name, index + 1)) value += `,${this.values[index] as string}`;
    return value;
  }

  has(name: string): boolean {
    return this.#mayHave(name) && this.names.includes(name);
  }

  set(name: string, value: string): void {
    this.put(name, printable(value));
  }

  /** {@link Headers.set} for a value that is known to be fit for the wire. */
  put(name: string, value: string): void {
    const index = this.#mayHave(name) ? this.names.indexOf(name) : -1;
    if (index < 0) {
      this.push(name, value);
      return;
    }
    this.values[index] = value;
    if (this.#text !== '') this.#places[index] = 0;
    for (let other = this.names.lastIndexOf(name); other > index; other = this.names.lastIndexOf(name)) this.#removeAt(other);
  }

  add(name: string, value: string): void {
    this.push(name, printable(value));
  }

  delete(name: string): void {
    if (!this.#mayHave(name)) return;
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
    this.#lengths |= 1 << name.length;
    this.names.push(name);
    this.values.push(value);
    if (this.#text === '') return;
    this.#places.push(start < 0 ? 0 : (start << 16) | end);
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
      const place = this.#places[index] as number;
      const start = place === 0 ? -1 : place >>> 16;
      if (start >= 0 && start === to) {
        to = place & 0xffff;
        continue;
      }
      if (to >= 0) lines += this.#text.slice(from, to);
      to = -1;
      if (start >= 0) {
        from = start;
        to = place & 0xffff;
      } else lines += `${name}: ${values[index] as string}\r\n`;
    }
    return to >= 0 ? lines + this.#text.slice(from, to) : lines;
  }

  /** False: it is certainly not here. */
  #mayHave(name: string): boolean {
    return (this.#lengths & (1 << name.length)) !== 0;
  }

  #removeAt(index: number): void {
    this.names.splice(index, 1);
    this.values.splice(index, 1);
    if (this.#text === '') return;
    this.#places.splice(index, 1);
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
