import { createHash } from 'node:crypto';
import ipaddr from 'ipaddr.js';

/** An IPv4 range: first address and number of bits, as numbers. */
export interface Range {
  readonly first: number;
  readonly bits: number;
}

/** A lab's part of the address space. */
export interface LabSubnet {
  /** /20. */
  readonly subnet: string;
  /** The lower half: containers. */
  readonly containers: string;
  /** The upper half: virtual IPs. Nothing ever has one, so a packet that escapes capture dies on the bridge. */
  readonly virtualIps: string;
  readonly gateway: string;
  /** The control plane's own address. */
  readonly controlPlane: string;
}

const bits = 20;
/** Private ranges (RFC 1918) that few people use, then those that many do. 172.17 to 172.31 are Docker's own pool. */
const pools = ['10.224.0.0/11', '10.128.0.0/10', '172.16.0.0/16', '192.168.128.0/17'] as const;

/**
 * Free private ranges for a lab, best first: none that overlaps what is taken (Docker's networks, the host's interfaces and routes).
 * The lab's name decides where the search begins, so that a lab usually has the same addresses again.
 */
export function* freeSubnets(lab: string, taken: readonly string[]): Generator<LabSubnet> {
  const used = taken.flatMap((cidr) => parseRange(cidr) ?? []).filter((range) => range.bits > 0);
  for (const pool of pools) {
    const range = parseRange(pool);
    if (range === undefined) continue;
    const count = 2 ** (bits - range.bits);
    const start = createHash('sha256').update(lab).digest().readUInt32BE() % count;
    for (let step = 0; step < count; step++) {
      const candidate = { first: range.first + ((start + step) % count) * 2 ** (32 - bits), bits };
      if (!used.some((other) => overlaps(candidate, other))) yield describe(candidate.first);
    }
  }
}

/** The lab's ranges, from its subnet. */
export function labSubnet(subnet: string): LabSubnet | undefined {
  const range = parseRange(subnet);
  return range?.bits === bits ? describe(range.first) : undefined;
}

/** Addresses for new pods, given those in use: after the highest one, so that an address is not used again at once; round when the range ends. */
export function* freeAddresses(subnet: LabSubnet, inUse: readonly string[]): Generator<string> {
  const range = parseRange(subnet.containers);
  if (range === undefined) return;
  const last = range.first + 2 ** (32 - range.bits) - 1;
  // .0 is the network, .1 the bridge, .2 the control plane.
  const lowest = range.first + 3;
  const used = new Set(inUse.flatMap((ip) => toNumber(ip) ?? []).filter((ip) => ip >= lowest && ip <= last));
  const start = used.size === 0 ? lowest : Math.max(...used) + 1;
  const count = last - lowest + 1;
  for (let step = 0; step < count; step++) {
    const ip = lowest + ((start - lowest + step) % count);
    if (!used.has(ip)) yield toText(ip);
  }
}

/** Whether two ranges share an address. */
export function overlaps(a: Range, b: Range): boolean {
  const size = 2 ** (32 - Math.min(a.bits, b.bits));
  return Math.floor(a.first / size) === Math.floor(b.first / size);
}

/** Reads `10.0.0.0/8` (a bare address is a /32); `undefined` for IPv6 and what is no range. */
export function parseRange(cidr: string): Range | undefined {
  const [address = '', length = '32'] = cidr.split('/');
  const number = toNumber(address);
  const count = Number(length);
  if (number === undefined || !Number.isInteger(count) || count < 0 || count > 32) return undefined;
  const size = 2 ** (32 - count);
  return { first: Math.floor(number / size) * size, bits: count };
}

function describe(first: number): LabSubnet {
  const half = 2 ** (32 - bits - 1);
  return {
    subnet: `${toText(first)}/${bits}`, containers: `${toText(first)}/${bits + 1}`, virtualIps: `${toText(first + half)}/${bits + 1}`,
    gateway: toText(first + 1), controlPlane: toText(first + 2),
  };
}

function toNumber(ip: string): number | undefined {
  if (!ipaddr.IPv4.isValidFourPartDecimal(ip)) return undefined;
  return ipaddr.IPv4.parse(ip).octets.reduce((sum, octet) => sum * 256 + octet, 0);
}

function toText(ip: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(ip / 2 ** shift) % 256).join('.');
}
