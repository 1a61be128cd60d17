/** Code lengths by symbol (EOS last): the code of RFC 7541, Appendix B, is canonical, so that the lengths say it all. */
const lengths: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];
const endOfString = 256;
const fail = -1;
const emits = 0x100;

/**
 * A table of transitions, four bits at a time: `states * 16` entries of next state, a symbol that is complete (no code is shorter than five
 * bits, so at most one), or failure. `accepting` are the states where a string may end: after a full symbol, or in padding of up to seven ones.
 */
interface Machine {
  readonly transitions: Int32Array;
  readonly accepting: Uint8Array;
}

const characters: readonly string[] = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));
const { transitions, accepting } = build();

/** Decodes a Huffman-coded string; `undefined` when it is not one. */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = '';
  let state = 0;
  for (let index = start; index < end; index++) {
    const byte = bytes[index] as number;
    for (let shift = 4; shift >= 0; shift -= 4) {
      const entry = transitions[state * 16 + ((byte >> shift) & 15)] as number;
      if (entry === fail) return undefined;
      if ((entry & emits) !== 0) text += characters[entry & 0xff] as string;
      state = entry >> 9;
    }
  }
  return accepting[state] === 1 ? text : undefined;
}

function build(): Machine {
  // Nodes of the code tree: children as numbers; a leaf is ~symbol.
  const tree: [number, number][] = [[0, 0]];
  const symbols = lengths.map((length, symbol) => ({ length, symbol })).sort((a, b) => a.length - b.length || a.symbol - b.symbol);
  let code = 0;
  let before = (symbols[0] as { length: number }).length;
  for (const { length, symbol } of symbols) {
    code *= 2 ** (length - before);
    before = length;
    insert(tree, code, length, symbol);
    code++;
  }
  return { transitions: transitionsOf(tree), accepting: acceptingOf(tree) };
}

function insert(tree: [number, number][], code: number, length: number, symbol: number): void {
  let node = 0;
  for (let bit = length - 1; bit > 0; bit--) {
    const side = (code >>> bit) & 1;
    let next = (tree[node] as [number, number])[side] as number;
    if (next === 0) {
      next = tree.push([0, 0]) - 1;
      (tree[node] as [number, number])[side] = next;
    }
    node = next;
  }
  (tree[node] as [number, number])[code & 1] = ~symbol;
}

function transitionsOf(tree: readonly [number, number][]): Int32Array {
  const table = new Int32Array(tree.length * 16);
  for (let state = 0; state < tree.length; state++) for (let nibble = 0; nibble < 16; nibble++) table[state * 16 + nibble] = step(tree, state, nibble);
  return table;
}

function step(tree: readonly [number, number][], from: number, nibble: number): number {
  let node = from;
  let symbol: number | undefined;
  for (let bit = 3; bit >= 0; bit--) {
    const next = (tree[node] as [number, number])[((nibble >> bit) & 1) as 0 | 1];
    if (next >= 0) {
      node = next;
      continue;
    }
    if (~next === endOfString) return fail;
    symbol = ~next;
    node = 0;
  }
  return (node << 9) | (symbol === undefined ? 0 : emits | symbol);
}

function acceptingOf(tree: readonly [number, number][]): Uint8Array {
  const states = new Uint8Array(tree.length);
  let node = 0;
  for (let depth = 0; depth < 8; depth++) {
    states[node] = 1;
    node = (tree[node] as [number, number])[1];
  }
  return states;
}
