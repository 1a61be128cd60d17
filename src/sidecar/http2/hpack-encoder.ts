import { staticTable } from './static-table.ts';

/** Names that are coded ahead of use; others are coded each time once so many are known. */
const maxNames = 512;
/** Longest value of a pseudo-header field in the static table: `/index.html`. */
const longestCommon = 11;
/** Values that no hop may keep in a table, RFC 7541 section 7.1.3. */
const sensitive: ReadonlySet<string> = new Set(['authorization', 'cookie', 'proxy-authorization', 'set-cookie']);
/** Fields that a rule may have added and that HTTP/2 does not have. */
const hopByHop = ['connection', 'host', 'keep-alive', 'proxy-connection', 'te', 'transfer-encoding', 'upgrade'] as const;

/**
 * Encodes header fields as latin1 text, a character a byte: the static table and literals only. The peer needs no table for us, and the code of
 * a field depends on nothing but the field.
 */
export class HpackEncoder {
  readonly #names = new Map<string, string>();
  /** Whole fields of the static table, by name and value. */
  readonly #fields = new Map<string, Map<string, string>>();
  /** What stands before the values of regular fields; empty for those that do not go out. */
  readonly #regular = new Map<string, string>();

  constructor() {
    for (const [index, [name, value]] of staticTable.entries()) {
      if (index === 0) continue;
      if (!this.#names.has(name)) this.#names.set(name, integer(index, 4, sensitive.has(name) ? 0x10 : 0));
      if (value === '') continue;
      const known = this.#fields.get(name) ?? new Map<string, string>();
      this.#fields.set(name, known.set(value, String.fromCharCode(0x80 | index)));
    }
    for (const name of hopByHop) this.#regular.set(name, '');
  }

  /** A field that the static table may have as a whole: pseudo-header fields. */
  common(name: string, value: string): string {
    return (value.length > longestCommon ? undefined : this.#fields.get(name)?.get(value)) ?? this.field(name, value);
  }

  /** A field that any header section may have; empty for one that belongs to a connection. Name in lower case, value in latin1. */
  regular(name: string, value: string): string {
    const code = this.#regular.get(name) ?? this.#learn(name);
    if (code === '') return '';
    const { length } = value;
    return code + (length < 127 ? (characters[length] as string) : integer(length, 7, 0)) + value;
  }

  /** Any field. */
  field(name: string, value: string): string {
    const { length } = value;
    return (this.#names.get(name) ?? this.#name(name)) + (length < 127 ? (characters[length] as string) : integer(length, 7, 0)) + value;
  }

  #learn(name: string): string {
    const code = this.#names.get(name) ?? this.#name(name);
    if (this.#regular.size < maxNames) this.#regular.set(name, code);
    return code;
  }

  #name(name: string): string {
    const code = `${sensitive.has(name) ? '\x10' : '\0'}${integer(name.length, 7, 0)}${name}`;
    if (this.#names.size < maxNames) this.#names.set(name, code);
    return code;
  }
}

const characters: readonly string[] = Array.from({ length: 127 }, (_, code) => String.fromCharCode(code));

function integer(value: number, prefix: number, pattern: number): string {
  const mask = (1 << prefix) - 1;
  if (value < mask) return String.fromCharCode(pattern | value);
  let text = String.fromCharCode(pattern | mask);
  let rest = value - mask;
  for (; rest >= 128; rest >>>= 7) text += String.fromCharCode((rest & 0x7f) | 0x80);
  return text + String.fromCharCode(rest);
}
