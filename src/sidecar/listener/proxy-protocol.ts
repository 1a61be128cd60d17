import type { Clock } from '../hooks.ts';
import type { Address, Link } from '../link/index.ts';

/** What stands in front of a connection: who called, or nobody (`LOCAL`, `UNKNOWN`); not enough bytes yet; or something else. Source: HAProxy, "The PROXY protocol", versions 1 and 2. */
export type ProxyHeader =
  | { readonly state: 'header'; readonly length: number; readonly source?: Address }
  | { readonly state: 'more' }
  | { readonly state: 'no' };

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const longestLine = 107;
const fixedPart = 16;
const other: ProxyHeader = { state: 'no' };

/** Reads a header of either version without taking it. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (startsLike(bytes, signature)) return bytes.length < fixedPart ? { state: 'more' } : readBinary(bytes);
  return startsLike(bytes, prefix) ? readLine(bytes) : other;
}

const prefix = Buffer.from('PROXY ', 'latin1');
const startsLike = (bytes: Buffer, wanted: Buffer): boolean => {
  const length = Math.min(bytes.length, wanted.length);
  return bytes.subarray(0, length).equals(wanted.subarray(0, length));
};

/** `PROXY TCP4 192.0.2.1 192.0.2.2 5000 80\r\n`. */
function readLine(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, longestLine).indexOf('\r\n');
  if (end < 0) return bytes.length >= longestLine ? other : { state: 'more' };
  const [, family, ip = '', destination = '', port = '', destinationPort = '', ...more] = bytes.toString('latin1', 0, end).split(' ');
  const length = end + 2;
  if (family === 'UNKNOWN') return { state: 'header', length };
  const whole = family === 'TCP4' ? [ip, destination].every(isIpv4) : family === 'TCP6' && [ip, destination].every(isIpv6);
  if (!whole || more.length > 0 || ![port, destinationPort].every(isPort)) return other;
  return { state: 'header', length, source: { ip: ip.toLowerCase(), port: Number(port) } };
}

const isIpv4 = (text: string): boolean => /^(?:\d{1,3}\.){3}\d{1,3}$/.test(text) && text.split('.').every((part) => Number(part) < 256);
const isIpv6 = (text: string): boolean => text.includes(':') && /^[\da-f:]+(?:(?:\d{1,3}\.){3}\d{1,3})?$/i.test(text);
const isPort = (text: string): boolean => /^\d{1,5}$/.test(text) && Number(text) < 65_536;

/** Twelve bytes of signature, version and command, family and protocol, length, then addresses and whatever else is said. */
function readBinary(bytes: Buffer): ProxyHeader {
  const version = bytes.readUInt8(12) >> 4;
  const command = bytes.readUInt8(12) & 15;
  const length = fixedPart + bytes.readUInt16BE(14);
  if (version !== 2 || command > 1) return other;
  if (bytes.length < length) return { state: 'more' };
  const source = command === 1 ? sourceOf(bytes.readUInt8(13), bytes.subarray(fixedPart, length)) : undefined;
  if (source === 'short') return other;
  return { state: 'header', length, ...(source === undefined ? {} : { source }) };
}

const overTcp = { ipv4: 0x11, ipv6: 0x21 } as const;

function sourceOf(kind: number, addresses: Buffer): Address | undefined | 'short' {
  if (kind === overTcp.ipv4) return addresses.length < 12 ? 'short' : { ip: addresses.subarray(0, 4).join('.'), port: addresses.readUInt16BE(8) };
  if (kind !== overTcp.ipv6) return undefined;
  if (addresses.length < 36) return 'short';
  return { ip: shortest(Array.from({ length: 8 }, (_, at) => addresses.readUInt16BE(at * 2).toString(16)).join(':')), port: addresses.readUInt16BE(32) };
}

/** An IPv6 address as it is usually written. */
function shortest(ip: string): string {
  return new URL(`http://[${ip}]`).hostname.slice(1, -1);
}

/** Takes the header off the front of a connection. `missing` when it begins with something else, `timeout` and `closed` when it did not come. */
export function takeProxyHeader(link: Link, clock: Clock, timeoutMs: number): Promise<{ readonly source?: Address } | 'missing' | 'timeout' | 'closed'> {
  return new Promise((resolve) => {
    let bytes: Buffer = Buffer.alloc(0);
    let settled = false;
    const finish = (outcome: { readonly source?: Address } | 'missing' | 'timeout' | 'closed'): void => {
      if (settled) return;
      settled = true;
      cancel();
      link.pause();
      resolve(outcome);
    };
    const cancel = clock.after(timeoutMs, () => { finish('timeout'); });
    link.read({
      data: (chunk) => {
        bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
        const header = readProxyHeader(bytes);
        if (header.state === 'more') return;
        if (header.state === 'no') { finish('missing'); return; }
        finish(header.source === undefined ? {} : { source: header.source });
        link.unread(bytes.subarray(header.length));
      },
      end: () => { finish('closed'); },
      drain: () => undefined,
      close: () => { finish('closed'); },
    });
  });
}
