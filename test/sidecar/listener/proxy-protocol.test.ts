import { expect, test } from 'vitest';
import { readProxyHeader } from '../../../src/sidecar/listener/proxy-protocol.ts';

const v1 = (text: string): Buffer => Buffer.from(`${text}\r\nGET`, 'latin1');
const v2 = (versionAndCommand: number, kind: number, addresses: readonly number[]): Buffer =>
  Buffer.concat([Buffer.from('0d0a0d0a000d0a515549540a', 'hex'), Buffer.from([versionAndCommand, kind, 0, addresses.length, ...addresses]), Buffer.from('GET')]);
const ipv4 = [192, 0, 2, 7, 10, 0, 0, 1, 0x13, 0x88, 0, 80];
const ipv6 = [0x20, 1, 0xd, 0xb8, ...Array.from({ length: 11 }, () => 0), 7, ...Array.from({ length: 16 }, () => 0), 0x13, 0x88, 0, 80];

test.each<[string, Buffer, ReturnType<typeof readProxyHeader>]>([
  ['version 1, IPv4', v1('PROXY TCP4 192.0.2.7 10.0.0.1 5000 80'), { state: 'header', length: 39, source: { ip: '192.0.2.7', port: 5000 } }],
  ['version 1, IPv6', v1('PROXY TCP6 2001:DB8::7 ::1 5000 80'), { state: 'header', length: 36, source: { ip: '2001:db8::7', port: 5000 } }],
  ['version 1, unknown', v1('PROXY UNKNOWN whatever it says'), { state: 'header', length: 32 }],
  ['version 1, address of the other family', v1('PROXY TCP4 ::1 ::1 5000 80'), { state: 'no' }],
  ['version 1, no address', v1('PROXY TCP4 999.0.2.7 10.0.0.1 5000 80'), { state: 'no' }],
  ['version 1, no port', v1('PROXY TCP4 192.0.2.7 10.0.0.1 70000 80'), { state: 'no' }],
  ['version 1, too little', v1('PROXY TCP4 192.0.2.7'), { state: 'no' }],
  ['version 1, too long', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(200)}`), { state: 'no' }],
  ['version 2, IPv4', v2(0x21, 0x11, ipv4), { state: 'header', length: 28, source: { ip: '192.0.2.7', port: 5000 } }],
  ['version 2, IPv4 and more to say', v2(0x21, 0x11, [...ipv4, 4, 0, 1, 0]), { state: 'header', length: 32, source: { ip: '192.0.2.7', port: 5000 } }],
  ['version 2, IPv6', v2(0x21, 0x21, ipv6), { state: 'header', length: 52, source: { ip: '2001:db8::7', port: 5000 } }],
  ['version 2, of the proxy itself', v2(0x20, 0x11, ipv4), { state: 'header', length: 28 }],
  ['version 2, of a UNIX socket', v2(0x21, 0x31, ipv4), { state: 'header', length: 28 }],
  ['version 2, addresses too short', v2(0x21, 0x11, [1, 2]), { state: 'no' }],
  ['version 3', v2(0x31, 0x11, ipv4), { state: 'no' }],
  ['version 2, no such command', v2(0x22, 0x11, ipv4), { state: 'no' }],
  ['HTTP', Buffer.from('POST / HTTP/1.1\r\n'), { state: 'no' }],
  ['TLS', Buffer.from([22, 3, 1, 0, 5]), { state: 'no' }],
])('%s', (_name, bytes, expected) => {
  expect(readProxyHeader(bytes)).toEqual(expected);
});

test.each([v1('PROXY TCP4 192.0.2.7 10.0.0.1 5000 80').subarray(0, 39), v2(0x21, 0x21, ipv6).subarray(0, 52)])('byte by byte, it is known with the last', (whole) => {
  for (let length = 0; length < whole.length; length += 1) expect(readProxyHeader(whole.subarray(0, length))).toEqual({ state: 'more' });
  expect(readProxyHeader(whole).state).toBe('header');
});
