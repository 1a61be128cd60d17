import type { FieldBlock } from './hpack-decoder.ts';

/** Shapes that are remembered per connection, the longest block among them, and the values that may differ within one. */
const maxShapes = 8;
const longestRemembered = 2048;
const mostVaried = 8;
/** After so many blocks without one in four being known, remembering is given up. */
const trial = 256;

/** Where the parts of a block stand in its text, field by field. */
export interface BlockPlaces {
  /** Where the string of a field's value begins, with its length; -1 for a field that is an index alone. */
  readonly values: readonly number[];
  /** Just behind a field. */
  readonly ends: readonly number[];
}

/** A block that differs from a known one in some values. */
export interface Variation {
  readonly of: FieldBlock;
  /** Fields by their place in the block, and what they say now. */
  readonly fields: readonly number[];
  readonly values: readonly string[];
}

/**
 * Remembers header blocks whose meaning is a matter of their bytes alone, and knows them again: the very same ones, and those in which only some
 * values are others, such as ids and paths. Most requests between two peers are told apart by little more.
 */
export class BlockMemory {
  #shapes: readonly Shape[] = [];
  #oldest = 0;
  #hits = 0;
  #misses = 0;

  /** Whether a block of this size is worth a look. */
  takes(size: number): boolean { return size <= longestRemembered && (this.#misses < trial || this.#hits * 3 >= this.#misses); }

  /** The block of a text, a character a byte; `undefined` when it has to be decoded. */
  recall(text: string): FieldBlock | undefined {
    for (const shape of this.#shapes) {
      const block = shape.recall(text);
      if (block !== undefined) {
        this.#hits++;
        return block;
      }
    }
    this.#misses++;
    return undefined;
  }

  /** Remembers a block that was decoded without fault. */
  learn(text: string, block: FieldBlock, places: BlockPlaces): void {
    for (const [index, shape] of this.#shapes.entries()) {
      const wider = shape.with(text, block, places);
      if (wider === undefined) continue;
      this.#shapes = this.#shapes.with(index, wider);
      return;
    }
    const made = new Shape(text, block, places, []);
    if (this.#shapes.length < maxShapes) this.#shapes = [...this.#shapes, made];
    else this.#shapes = this.#shapes.with(this.#oldest++ % maxShapes, made);
  }
}

/** A block, and which of its values may differ. */
class Shape {
  readonly #text: string;
  readonly #block: FieldBlock;
  readonly #places: BlockPlaces;
  readonly #varied: readonly number[];
  /** What stands before each value that may differ, and behind the last. */
  readonly #fixed: readonly string[];

  constructor(text: string, block: FieldBlock, places: BlockPlaces, varied: readonly number[]) {
    this.#text = text;
    this.#block = block;
    this.#places = places;
    this.#varied = varied;
    this.#fixed = [...varied, -1].map((field, index) => text.slice(index === 0 ? 0 : places.ends[varied[index - 1] as number], field < 0 ? undefined : places.values[field]));
  }

  recall(text: string): FieldBlock | undefined {
    const fixed = this.#fixed;
    const last = fixed.length - 1;
    if (last === 0) return text === this.#text ? this.#block : undefined;
    const values: string[] = [];
    let at = 0;
    for (let index = 0; index < last; index++) {
      const before = fixed[index] as string;
      if (!text.startsWith(before, at)) return undefined;
      at += before.length;
      let size = text.charCodeAt(at++);
      if (size === 127) {
        const low = text.charCodeAt(at++);
        const high = low < 128 ? 0 : text.charCodeAt(at++);
        size += (low & 127) + (high << 7);
        if (!(high < 128)) return undefined;
      } else if (!(size < 127)) return undefined;
      const value = text.slice(at, at + size);
      at += size;
      if (value.length !== size || !isFit(value)) return undefined;
      values.push(value);
    }
    const end = fixed[last] as string;
    return text.length - at === end.length && text.endsWith(end) ? new VariedBlock({ of: this.#block, fields: this.#varied, values }) : undefined;
  }

  /** This shape, widened so that it has the other block too; `undefined` when they have too little in common. */
  with(text: string, block: FieldBlock, places: BlockPlaces): Shape | undefined {
    const { names } = this.#block;
    if (names.length !== block.names.length || block.names.some((name, index) => name !== names[index])) return undefined;
    const varied: number[] = [];
    for (let index = 0; index < names.length; index++) {
      const mine = fieldText(this.#text, this.#places, index);
      const other = fieldText(text, places, index);
      if (mine.all === other.all && !this.#varied.includes(index)) continue;
      if (mine.name !== other.name || mine.name === undefined || varied.push(index) > mostVaried) return undefined;
    }
    return new Shape(text, block, places, varied);
  }
}

class VariedBlock implements FieldBlock {
  readonly problem = undefined;
  parsed: object | undefined;
  readonly variation: Variation;
  #values: string[] | undefined;

  constructor(variation: Variation) {
    this.variation = variation;
  }

  get names(): readonly string[] { return this.variation.of.names; }

  get values(): readonly string[] {
    const { of, fields, values } = this.variation;
    if (this.#values === undefined) {
      this.#values = of.values.slice();
      for (const [index, field] of fields.entries()) this.#values[field] = values[index] as string;
    }
    return this.#values;
  }
}

/** A field as it stands in a block: up to its value, where it has one, and as a whole. */
function fieldText(text: string, { values, ends }: BlockPlaces, index: number): { readonly name: string | undefined; readonly all: string } {
  const start = index === 0 ? 0 : ends[index - 1] as number;
  const value = values[index] as number;
  return { name: value < 0 ? undefined : text.slice(start, value), all: text.slice(start, ends[index]) };
}

const unfit = /[\x00-\x08\x0a-\x1f\x7f]/;

/** Whether a value may stand in a header section, RFC 9113 section 8.2.1. */
export function isFit(value: string): boolean {
  return !unfit.test(value) && !(value.charCodeAt(0) <= 32) && !(value.charCodeAt(value.length - 1) <= 32);
}
