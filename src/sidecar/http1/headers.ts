import type { HeaderMap } from '../hooks.ts';

/** Header fields in their order. Names are lower-case; few enough that a scan beats a map. */
export class Headers implements HeaderMap {
  readonly names: string[] = [];
  readonly values: string[] = [];

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
    const index = this.names.indexOf(name);
    if (index < 0) {
      this.add(name, value);
      return;
    }
    this.values[index] = printable(value);
    for (let other = this.names.lastIndexOf(name); other > index; other = this.names.lastIndexOf(name)) this.#removeAt(other);
  }

  add(name: string, value: string): void {
    this.names.push(name);
    this.values.push(printable(value));
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

  /** Appends a field that a parser has already checked. */
  push(name: string, value: string): void {
    this.names.push(name);
    this.values.push(value);
  }

  /** Removes the fields that a predicate names. */
  prune(unwanted: (name: string) => boolean): void {
    for (let index = this.names.length - 1; index >= 0; index--) if (unwanted(this.names[index] as string)) this.#removeAt(index);
  }

  #removeAt(index: number): void {
    this.names.splice(index, 1);
    this.values.splice(index, 1);
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
