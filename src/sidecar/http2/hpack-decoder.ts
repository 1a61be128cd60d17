import { BlockMemory, isFit, type Variation } from './block-memory.ts';
import { decodeHuffman } from './huffman.ts';
import { ConnectionError, errorCode } from './protocol.ts';
import { staticTable } from './static-table.ts';

/** Largest header section, counted as RFC 9113 does (name, value and 32 a field), and most fields: Envoy's defaults. */
export const maxHeaderBytes = 60 * 1024;
export const maxHeaderFields = 100;
const overhead = 32;
const firstDynamic = staticTable.length;
const defaultTableSize = 4096;

/** A header section, decoded. The same object comes again for a block that was decoded before: nobody may change it. */
export interface FieldBlock {
  readonly names: readonly string[];
  readonly values: readonly string[];
  /** Why the section is malformed or too large, in the words of RESPONSE_CODE_DETAILS; its fields are not complete then. */
  problem: string | undefined;
  /** What a reader of the section made of it. */
  parsed: object | undefined;
  /** How it differs from a section that was decoded before. */
  readonly variation: Variation | undefined;
}

interface Building extends FieldBlock {
  readonly names: string[];
  readonly values: string[];
  size: number;
}

/**
 * Decodes header blocks (RFC 7541). A peer that keeps to the table size of 0 that we announce makes a block's meaning a matter of its bytes
 * alone; such blocks are remembered. Throws a {@link ConnectionError} when the state cannot be kept.
 */
export class HpackDecoder {
  readonly #memory = new BlockMemory();
  readonly #known = new Set<string>();
  /** Newest last. */
  #table: (readonly [string, string])[] = [];
  #tableBytes = 0;
  #capacity = defaultTableSize;
  #limit = defaultTableSize;
  #pure = true;
  // The block that is being decoded.
  #bytes: Uint8Array = new Uint8Array(0);
  #text = '';
  #at = 0;
  #end = 0;
  #base = 0;
  #valuesAt: number[] = [];
  #ends: number[] = [];

  /** The peer has acknowledged our limit. */
  acknowledged(limit: number): void {
    this.#limit = limit;
    if (this.#capacity > limit) this.#resize(limit);
  }

  decode(bytes: Buffer, start: number, end: number): FieldBlock {
    const text = bytes.toString('latin1', start, end);
    const memory = this.#table.length === 0 && this.#memory.takes(text.length);
    const known = memory ? this.#memory.recall(text) : undefined;
    if (known !== undefined) return known;
    this.#bytes = bytes;
    this.#text = text;
    this.#base = start;
    this.#at = start;
    this.#end = end;
    this.#pure = true;
    this.#valuesAt = [];
    this.#ends = [];
    const block: Building = { names: [], values: [], problem: undefined, parsed: undefined, variation: undefined, size: 0 };
    this.#fields(block);
    if (memory && this.#pure && block.problem === undefined) this.#memory.learn(text, block, { values: this.#valuesAt, ends: this.#ends });
    return block;
  }

  #fields(block: Building): void {
    let begun = false;
    while (this.#at < this.#end) {
      const byte = this.#bytes[this.#at] as number;
      if (byte >= 0x80) {
        const [name, value] = this.#entry(this.#integer(7));
        this.#valuesAt.push(-1);
        add(block, name, value);
      } else if (byte >= 0x40) this.#literal(block, 6, true);
      else if (byte >= 0x20) {
        if (begun) throw corrupt('size update inside a block');
        this.#pure = false;
        const size = this.#integer(5);
        if (size > this.#limit) throw corrupt('table size above the limit');
        this.#resize(size);
        continue;
      } else this.#literal(block, 4, false);
      this.#ends.push(this.#at - this.#base);
      begun = true;
    }
  }

  #literal(block: Building, prefix: number, indexed: boolean): void {
    const index = this.#integer(prefix);
    const name = index === 0 ? this.#name(block) : this.#entry(index)[0];
    this.#valuesAt.push(this.#at - this.#base);
    const value = this.#string();
    if (!isFit(value)) block.problem ??= 'http2.invalid_header_value';
    add(block, name, value);
    if (indexed) this.#insert(name, value);
  }

  #name(block: Building): string {
    const name = this.#string();
    if (this.#known.has(name)) return name;
    if (!/^:?[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name)) block.problem ??= 'http2.invalid_header_name';
    else if (this.#known.size < 256 && name.length < 64) this.#known.add(name);
    return name;
  }

  #entry(index: number): readonly [string, string] {
    if (index === 0) throw corrupt('index 0');
    if (index < firstDynamic) return staticTable[index] as readonly [string, string];
    this.#pure = false;
    const found = this.#table[this.#table.length - 1 - (index - firstDynamic)];
    if (found === undefined) throw corrupt('index outside the table');
    return found;
  }

  #string(): string {
    if (this.#at >= this.#end) throw corrupt('a string is missing');
    const huffman = ((this.#bytes[this.#at] as number) & 0x80) !== 0;
    const length = this.#integer(7);
    const from = this.#at;
    if (length > this.#end - from) throw corrupt('a string is cut off');
    this.#at = from + length;
    if (!huffman) return this.#text.slice(from - this.#base, this.#at - this.#base);
    const text = decodeHuffman(this.#bytes, from, this.#at);
    if (text === undefined) throw corrupt('invalid Huffman code');
    return text;
  }

  #integer(prefix: number): number {
    const mask = (1 << prefix) - 1;
    let value = (this.#bytes[this.#at++] as number) & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.#at >= this.#end) throw corrupt('an integer is cut off');
      const byte = this.#bytes[this.#at++] as number;
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw corrupt('an integer is too large');
  }

  #insert(name: string, value: string): void {
    this.#pure = false;
    const size = name.length + value.length + overhead;
    this.#evict(this.#capacity - size);
    if (size > this.#capacity) return;
    this.#table.push([name, value]);
    this.#tableBytes += size;
  }

  #resize(capacity: number): void {
    this.#capacity = capacity;
    this.#evict(capacity);
  }

  #evict(room: number): void {
    let gone = 0;
    while (this.#tableBytes > room && gone < this.#table.length) {
      const [name, value] = this.#table[gone++] as readonly [string, string];
      this.#tableBytes -= name.length + value.length + overhead;
    }
    if (gone > 0) this.#table = this.#table.slice(gone);
  }
}

/** What is above the limits is decoded for the table's sake, and not kept. */
function add(block: Building, name: string, value: string): void {
  block.size += name.length + value.length + overhead;
  if (block.size > maxHeaderBytes) block.problem ??= 'http2.headers_too_large';
  else if (block.names.length >= maxHeaderFields) block.problem ??= 'http2.too_many_headers';
  else {
    block.names.push(name);
    block.values.push(value);
  }
}

function corrupt(why: string): ConnectionError {
  return new ConnectionError(errorCode.compression, `http2.header_compression_error{${why}}`);
}
