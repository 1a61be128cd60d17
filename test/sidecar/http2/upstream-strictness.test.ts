import { afterEach, describe, expect, it } from 'vitest';
import type { Cluster } from '../../../src/xds/index.ts';
import { exchange, startProxy } from '../http/proxy.ts';
import { block, frame, headers, parameter, rawUpstream, types, uint32 } from './raw.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => { for (const close of closing.splice(0)) await close(); });

const options = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const cluster = (port: number): Cluster => ({
  name: 'up', type: 'STATIC', connectTimeout: '1s', loadAssignment: { clusterName: 'up', endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue: port } } } }] }] },
  typedExtensionProtocolOptions: { [options]: { '@type': `type.googleapis.com/${options}`, explicitHttpConfig: { http2ProtocolOptions: {} } } as { '@type': string } },
});

type Answer = (id: number) => Buffer;
const ok = [':status', '200'] as const;
const data = (id: number, text: string, end = true): Buffer => frame(types.data, end ? 1 : 0, id, text);
const many = (count: number, piece: Buffer): Buffer => Buffer.concat(Array.from({ length: count }, () => piece));
const good: Answer = (id) => Buffer.concat([headers(id, [ok, ['content-length', '4']], false), data(id, 'good')]);

/** The first request gets a malicious answer, the next ones a good one. */
async function call(answer: Answer, method = 'GET'): Promise<{ readonly first: string; readonly second: string; readonly connections: number }> {
  const upstream = await rawUpstream((id, count) => (count === 0 ? answer(id) : good(id)));
  const proxy = await startProxy({ clusters: { up: cluster(upstream.port) } });
  closing.push(() => proxy.close(), () => upstream.close());
  const one = await exchange(proxy.port, [`${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`]);
  const two = await exchange(proxy.port, ['GET /second HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n']);
  return { first: one.answer, second: two.answer, connections: upstream.connections() };
}

/** The stream is reset and the caller told; the connection goes on. */
const malformed: Readonly<Record<string, Answer>> = {
  'no status': (id) => headers(id, [['x', '1']]),
  'two statuses': (id) => headers(id, [ok, ok]),
  'a status of two digits': (id) => headers(id, [[':status', '20']]),
  'a status of four digits': (id) => headers(id, [[':status', '2000']]),
  'a status that is no number': (id) => headers(id, [[':status', 'abc']]),
  'a status with a line break': (id) => headers(id, [[':status', '200\r\nSet-Cookie: evil']]),
  'a status above 599': (id) => headers(id, [[':status', '600']]),
  'a switch of protocols': (id) => headers(id, [[':status', '101']], false),
  'a request’s pseudo-header': (id) => headers(id, [ok, [':path', '/']]),
  'a status after a header': (id) => headers(id, [['x', '1'], ok]),
  'LF in a value': (id) => headers(id, [ok, ['x', 'a\nset-cookie: evil=1']]),
  'CRLF in a value': (id) => headers(id, [ok, ['x', 'a\r\nset-cookie: evil=1']]),
  'CRLF in a name': (id) => headers(id, [ok, ['x: 1\r\nset-cookie', 'evil=1']]),
  'NUL in a value': (id) => headers(id, [ok, ['x', 'a\0evil']]),
  'an upper-case name': (id) => headers(id, [ok, ['X-Evil', '1']]),
  'transfer-encoding': (id) => headers(id, [ok, ['transfer-encoding', 'chunked']]),
  connection: (id) => headers(id, [ok, ['connection', 'close']]),
  upgrade: (id) => headers(id, [ok, ['upgrade', 'evil']]),
  'two lengths': (id) => Buffer.concat([headers(id, [ok, ['content-length', '3'], ['content-length', '4']], false), data(id, 'evil')]),
  'a signed length': (id) => Buffer.concat([headers(id, [ok, ['content-length', '+4']], false), data(id, 'evil')]),
  'a length and no body': (id) => headers(id, [ok, ['content-length', '4']]),
  'too many headers': (id) => headers(id, [ok, ...Array.from({ length: 101 }, () => ['x-evil', '1'] as const)]),
  'a body without a head': (id) => data(id, 'evil'),
  'a storm of informational responses': (id) => Buffer.concat([many(50, headers(id, [[':status', '103'], ['link', 'evil']], false)), headers(id, [ok])]),
  'an informational response with a request’s pseudo-header': (id) => Buffer.concat([headers(id, [[':status', '103'], [':path', '/evil']], false), headers(id, [ok])]),
  'an informational response with a line break': (id) => Buffer.concat([headers(id, [[':status', '103'], ['link', 'a\r\nevil: 1']], false), headers(id, [ok])]),
  'an empty status': (id) => headers(id, [[':status', '']]),
  'a status with a sign': (id) => headers(id, [[':status', '+20']]),
  'a status with a space': (id) => headers(id, [[':status', '200 ']]),
  'a status with a reason': (id) => headers(id, [[':status', '200 OK']]),
  'a status below 100': (id) => headers(id, [[':status', '099']]),
  'a status of zero': (id) => headers(id, [[':status', '000']]),
  'an unknown pseudo-header': (id) => headers(id, [ok, [':evil', '1']]),
  'a method': (id) => headers(id, [ok, [':method', 'GET']]),
  'an authority': (id) => headers(id, [ok, [':authority', 'evil']]),
  'a scheme': (id) => headers(id, [ok, [':scheme', 'http']]),
  'CR in a value': (id) => headers(id, [ok, ['x', 'a\revil']]),
  'a control byte in a value': (id) => headers(id, [ok, ['x', 'a\x01evil']]),
  'DEL in a value': (id) => headers(id, [ok, ['x', 'a\x7fevil']]),
  'a space before a value': (id) => headers(id, [ok, ['x', ' evil']]),
  'a space behind a value': (id) => headers(id, [ok, ['x', 'evil ']]),
  'a tab before a value': (id) => headers(id, [ok, ['x', '\tevil']]),
  'an empty name': (id) => headers(id, [ok, ['', 'evil']]),
  'a name with a space': (id) => headers(id, [ok, ['x evil', '1']]),
  'a name with a colon': (id) => headers(id, [ok, ['x:evil', '1']]),
  'a name with a NUL': (id) => headers(id, [ok, ['x\0evil', '1']]),
  'a name with LF': (id) => headers(id, [ok, ['x\nevil', '1']]),
  'a name beyond ASCII': (id) => headers(id, [ok, ['x\xe9', 'evil']]),
  'a name with a quote': (id) => headers(id, [ok, ['"evil"', '1']]),
  'keep-alive': (id) => headers(id, [ok, ['keep-alive', 'timeout=5']]),
  'proxy-connection': (id) => headers(id, [ok, ['proxy-connection', 'evil']]),
  'two equal lengths': (id) => Buffer.concat([headers(id, [ok, ['content-length', '4'], ['content-length', '4']], false), data(id, 'evil')]),
  'a list of lengths': (id) => Buffer.concat([headers(id, [ok, ['content-length', '4, 4']], false), data(id, 'evil')]),
  'an empty length': (id) => Buffer.concat([headers(id, [ok, ['content-length', '']], false), data(id, 'evil')]),
  'a negative length': (id) => Buffer.concat([headers(id, [ok, ['content-length', '-4']], false), data(id, 'evil')]),
  'a hexadecimal length': (id) => Buffer.concat([headers(id, [ok, ['content-length', '0x4']], false), data(id, 'evil')]),
  'a length with a fraction': (id) => Buffer.concat([headers(id, [ok, ['content-length', '4.0']], false), data(id, 'evil')]),
  'a length that overflows': (id) => Buffer.concat([headers(id, [ok, ['content-length', '99999999999999999999']], false), data(id, 'evil')]),
  'trailers before the head': (id) => headers(id, [['x-sum', 'evil']]),
  'an informational response that ends the stream': (id) => headers(id, [[':status', '100']]),
};

/** The connection is over, and the next request takes another. */
const fatal: Readonly<Record<string, Answer>> = {
  'a head above 60 KiB': (id) => Buffer.concat([frame(types.headers, 0, id, block(ok)), ...[0, 1, 2, 3, 4].map((at) => frame(types.continuation, at === 4 ? 4 : 0, id, block([`x-evil-${at}`, 'x'.repeat(13_000)])))]),
  'DATA on the connection itself': () => frame(types.data, 1, 0, 'evil'),
  'HEADERS on the connection itself': () => headers(0, [ok]),
  'SETTINGS on a stream': (id) => frame(types.settings, 0, id),
  'SETTINGS of an odd length': () => frame(types.settings, 0, 0, Buffer.alloc(5)),
  'an acknowledgement with content': () => frame(types.settings, 1, 0, Buffer.alloc(6)),
  'PING on a stream': (id) => frame(types.ping, 0, id, Buffer.alloc(8)),
  'PING of an odd length': () => frame(types.ping, 0, 0, Buffer.alloc(7)),
  'RST_STREAM of an odd length': (id) => frame(types.reset, 0, id, Buffer.alloc(3)),
  'RST_STREAM of a stream that was never opened': () => frame(types.reset, 0, 99, uint32(8)),
  'WINDOW_UPDATE of an odd length': () => frame(types.window, 0, 0, Buffer.alloc(3)),
  'WINDOW_UPDATE of a stream that was never opened': () => frame(types.window, 0, 99, uint32(1)),
  'CONTINUATION without HEADERS': (id) => frame(types.continuation, 4, id, block(ok)),
  'another frame inside of a header block': (id) => Buffer.concat([frame(types.headers, 0, id, block(ok)), frame(types.ping, 0, 0, Buffer.alloc(8))]),
  'CONTINUATION of another stream': (id) => Buffer.concat([frame(types.headers, 0, id, block(ok)), frame(types.continuation, 4, id + 2, block(['x-evil', '1']))]),
  'a header block that ends inside of a string': (id) => frame(types.headers, 5, id, Buffer.from([0x00, 0x05, 0x61])),
  'a Huffman code that does not exist': (id) => frame(types.headers, 5, id, Buffer.from([0x00, 0x84, 0xff, 0xff, 0xff, 0xff, 0x01, 0x61])),
  'an index outside of the table': (id) => frame(types.headers, 5, id, Buffer.from([0xfe])),
  'a table larger than was allowed': (id) => frame(types.headers, 5, id, Buffer.concat([Buffer.from([0x3f, 0xe1, 0xff, 0x03]), block(ok)])),
  'a frame size below the least': () => frame(types.settings, 0, 0, parameter(5, 16_383)),
  'a promise': (id) => frame(types.push, 4, id, Buffer.concat([uint32(2), block([':method', 'GET'])])),
  'a frame above 16 KiB': (id) => frame(types.data, 0, id, Buffer.alloc(20_000)),
  'an answer to what was not asked': () => headers(99, [ok]),
  'an answer on an even stream': () => headers(2, [ok]),
  'a header block that cannot be decoded': (id) => frame(types.headers, 5, id, Buffer.from([0xff, 0x80, 0x01])),
  'a flood of CONTINUATION': (id) => Buffer.concat([frame(types.headers, 0, id, block(ok)), many(300, frame(types.continuation, 0, id, block(['x-evil', '1'])))]),
  'empty DATA': (id) => many(10, frame(types.data, 0, id)),
  'a window that overflows': () => many(2, frame(types.window, 0, 0, uint32(0x7fff_ffff))),
  'a window of nothing': () => frame(types.window, 0, 0, uint32(0)),
  'SETTINGS that make no sense': () => frame(types.settings, 0, 0, parameter(5, 1)),
  'a push switched on': () => frame(types.settings, 0, 0, parameter(2, 1)),
  'bytes that are no frames': () => Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'),
};

/** What came may have been passed on, but is never taken for a whole answer. */
const broken: Readonly<Record<string, Answer>> = {
  'more than was announced': (id) => Buffer.concat([headers(id, [ok, ['content-length', '3']], false), data(id, 'abc', false), data(id, 'evil')]),
  'less than was announced': (id) => Buffer.concat([headers(id, [ok, ['content-length', '9']], false), data(id, 'abc')]),
  'a reset inside the body': (id) => Buffer.concat([headers(id, [ok], false), data(id, 'abc', false), frame(types.reset, 0, id, uint32(2))]),
  'padding longer than the frame': (id) => Buffer.concat([headers(id, [ok], false), frame(types.data, 9, id, Buffer.from([9, 1]))]),
  'a second head': (id) => Buffer.concat([headers(id, [ok], false), data(id, 'abc', false), headers(id, [ok], false)]),
  'a status in trailers': (id) => Buffer.concat([headers(id, [ok], false), data(id, 'abc', false), headers(id, [[':status', '200']])]),
  'a length in trailers': (id) => Buffer.concat([headers(id, [ok], false), data(id, 'abc', false), headers(id, [['content-length', '3']])]),
  'a line break in trailers': (id) => Buffer.concat([headers(id, [ok], false), data(id, 'abc', false), headers(id, [['x', 'a\r\nevil: 1']])]),
};

const whole = (answer: string): boolean => {
  const [head = '', body = ''] = answer.split('\r\n\r\n', 2);
  const length = /content-length: (\d+)/i.exec(head);
  return length === null ? answer.endsWith('0\r\n\r\n') : body.length >= Number(length[1]);
};

describe('a malformed answer gives 502, and the connection goes on', () => {
  for (const [name, answer] of Object.entries(malformed)) {
    it(name, async () => {
      const { first, second, connections } = await call(answer);
      // What came before in good order was passed on.
      const last = first.replace(/^(HTTP\/1\.1 103 Early Hints\r\nlink: evil\r\n\r\n)*/, '');
      expect(last).toMatch(/^HTTP\/1\.1 502 /);
      expect(last).not.toMatch(/evil/i);
      expect(second).toMatch(/^HTTP\/1\.1 200 [^]*good$/);
      expect(connections).toBe(1);
    });
  }
});

describe('what breaks the connection’s rules ends it, and the next request takes another', () => {
  for (const [name, answer] of Object.entries(fatal)) {
    it(name, async () => {
      const { first, second, connections } = await call(answer);
      expect(first).toMatch(/^HTTP\/1\.1 50[23] /);
      expect(first).not.toMatch(/evil/i);
      expect(second).toMatch(/^HTTP\/1\.1 200 [^]*good$/);
      expect(connections).toBe(2);
    });
  }
});

describe('a broken answer is never passed on as a whole one', () => {
  for (const [name, answer] of Object.entries(broken)) {
    it(name, async () => {
      const { first, second } = await call(answer);
      if (first.startsWith('HTTP/1.1 200')) expect(whole(first)).toBe(false);
      expect(first).not.toMatch(/evil/i);
      expect(second).toMatch(/^HTTP\/1\.1 200 [^]*good$/);
    });
  }
});

describe('odd, and allowed', () => {
  it('a length on 204 is dropped', async () => { expect((await call((id) => headers(id, [[':status', '204'], ['content-length', '4']]))).first).toMatch(/^HTTP\/1\.1 204 (?![^]*content-length)/); });
  it('a length in the answer to HEAD stays', async () => { expect((await call((id) => headers(id, [ok, ['content-length', '9']]), 'HEAD')).first).toMatch(/content-length: 9\r\n/); });
  it('informational responses come before the real one', async () => { expect((await call((id) => Buffer.concat([headers(id, [[':status', '103'], ['link', 'x']], false), good(id)]))).first).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP\/1\.1 200 [^]*good$/); });
  it('trailers reach the caller', async () => { expect((await call((id) => Buffer.concat([headers(id, [ok], false), data(id, 'abc', false), headers(id, [['x-sum', '6']])]))).first).toMatch(/3\r\nabc\r\n0\r\nx-sum: 6\r\n\r\n$/); });
});
