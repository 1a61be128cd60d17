import type { BalancedHost } from '../../sidecar/hooks.ts';

/** A 32-bit hash of a string: FNV-1a with murmur3's finish, so that short keys that differ little spread over the whole range. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Ring hash: each host stands on the ring in proportion to its weight; a key goes to the next host clockwise. */
export function ring<Host extends BalancedHost>(hosts: readonly Host[], size: { readonly least: number; readonly most: number }): (hash: number) => Host | undefined {
  const total = hosts.reduce((sum, { weight }) => sum + weight, 0);
  const lightest = hosts.reduce((least, { weight }) => Math.min(least, weight), Number.POSITIVE_INFINITY);
  const scale = Math.min(Math.max(size.least, Math.ceil(total / lightest)), size.most) / total;
  const points: { readonly at: number; readonly host: Host }[] = [];
  for (const host of hosts) {
    const copies = Math.max(1, Math.round(host.weight * scale));
    for (let copy = 0; copy < copies; copy++) points.push({ at: hash32(`${host.address}_${copy}`), host });
  }
  points.sort((a, b) => a.at - b.at || (a.host.address < b.host.address ? -1 : 1));
  return (hash) => points[firstAtOrAfter(points, hash) % points.length]?.host;
}

function firstAtOrAfter(points: readonly { readonly at: number }[], hash: number): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((points[middle] as { readonly at: number }).at < hash) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Maglev: a table that the hosts fill in turn, each by its own permutation of the slots; heavier hosts get more turns.
 * Source: Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", section 3.4.
 */
export function maglev<Host extends BalancedHost>(hosts: readonly Host[], size: number): (hash: number) => Host | undefined {
  const table = new Int32Array(size).fill(-1);
  const heaviest = hosts.reduce((most, { weight }) => Math.max(most, weight), 1);
  const ordered = hosts.toSorted((a, b) => (a.address < b.address ? -1 : 1));
  const builders = ordered.map(({ address, weight }) => ({ offset: hash32(address) % size, skip: (hash32(`${address}/skip`) % (size - 1)) + 1, next: 0, share: weight / heaviest, turns: 0 }));
  let filled = 0;
  while (filled < size) {
    for (let index = 0; index < builders.length && filled < size; index++) {
      const builder = builders[index] as (typeof builders)[number];
      builder.turns += builder.share;
      if (builder.turns < 1) continue;
      builder.turns -= 1;
      let slot = (builder.offset + builder.next * builder.skip) % size;
      while (table[slot] !== -1) slot = (builder.offset + ++builder.next * builder.skip) % size;
      table[slot] = index;
      builder.next++;
      filled++;
    }
  }
  return (hash) => ordered[table[hash % size] as number];
}
