import ipaddr from 'ipaddr.js';

/** An address as bytes: 4 or 16. IPv4 mapped into IPv6 counts as IPv4. `undefined` when it is not an address. */
export type IpBytes = readonly number[];

/** Parses a textual address. */
export function parseIp(text: string): IpBytes | undefined {
  return parseV4(text) ?? (text.includes(':') && ipaddr.isValid(text) ? ipaddr.process(text).toByteArray() : undefined);
}

function parseV4(text: string): IpBytes | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const bytes = parts.map(Number);
  return bytes.every((byte, at) => Number.isInteger(byte) && byte >= 0 && byte <= 255 && parts[at] !== '') ? bytes : undefined;
}

/** A range of addresses. */
export interface IpRange {
  readonly bytes: IpBytes;
  readonly length: number;
}

/** Reads `10.0.0.0/8` or a bare address. Throws on anything else. */
export function parseRange(text: string): IpRange {
  const [address = '', length] = text.split('/');
  const bytes = parseIp(address);
  if (bytes === undefined) throw new Error(`"${text}" is not an IP range`);
  return { bytes, length: length === undefined ? bytes.length * 8 : Number(length) };
}

/** Whether the address lies in the range; addresses of another family never do. */
export function inRange(address: IpBytes, { bytes, length }: IpRange): boolean {
  if (address.length !== bytes.length) return false;
  const whole = length >> 3;
  for (let at = 0; at < whole; at++) if (address[at] !== bytes[at]) return false;
  const rest = length & 7;
  if (rest === 0) return true;
  const shift = 8 - rest;
  return (address[whole] ?? 0) >> shift === (bytes[whole] ?? 0) >> shift;
}

/** Whether the address is a loopback address. */
export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}
