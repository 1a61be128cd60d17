import { afterEach, describe, expect, it } from 'vitest';
import { startEcho, startProxy } from '../http/proxy.ts';
import { block, frame, get, headers, parameter, post, preface, say, types, uint32, type Frame } from './raw.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => { for (const close of closing.splice(0)) await close(); });

const settings = frame(types.settings, 0, 0);
const start = Buffer.concat([preface, settings]);
const code = { none: 0, protocol: 1, flow: 3, closed: 5, size: 6, refused: 7, compression: 9, calm: 11 } as const;

/** What the proxy says of the stream or of the connection that broke the rules. */
function verdict(frames: readonly Frame[]): string | undefined {
  const goaway = frames.find(({ type }) => type === types.goaway);
  if (goaway !== undefined) return `goaway ${goaway.payload.readUInt32BE(4)}`;
  const answer = frames.find(({ type }) => type === types.headers);
  if (answer !== undefined) return `status ${{ 0x88: '200', 0x8c: '400', 0x8d: '404' }[answer.payload[0] as number] ?? answer.payload.toString('latin1', 2, 5)}`;
  const reset = frames.find(({ type }) => type === types.reset);
  if (reset !== undefined) return `reset ${reset.payload.readUInt32BE(0)}`;
  return undefined;
}

/** Says it to a proxy; what it answers, and what it sent on. */
async function judge(...said: readonly Buffer[]): Promise<{ readonly verdict: string | undefined; readonly forwarded: string }> {
  const upstream = await startEcho((request) => `HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-was: ${request.length}\r\n\r\nok`);
  const proxy = await startProxy({ clusters: { up: [upstream.port] } });
  closing.push(() => proxy.close(), () => upstream.close());
  const { frames } = await say(proxy.port, [Buffer.concat(said)], (come) => verdict(come) !== undefined);
  return { verdict: verdict(frames), forwarded: upstream.received.join('') };
}

const request = (...fields: readonly (readonly [string, string])[]): Buffer => headers(1, fields);
const with_ = (...fields: readonly (readonly [string, string])[]): Buffer => headers(1, [...get, ...fields]);
const without = (name: string): Buffer => headers(1, get.filter(([field]) => field !== name));
const replaced = (name: string, value: string): Buffer => headers(1, get.map(([field, old]) => [field, field === name ? value : old] as const));
const body = (id: number, text: string, end = true): Buffer => frame(types.data, end ? 1 : 0, id, text);
const many = (count: number, piece: Buffer): Buffer => Buffer.concat(Array.from({ length: count }, () => piece));
const indexedBomb = Buffer.concat([Buffer.from([0x40]), Buffer.from([1, 0x78]), Buffer.from([0x7f, 0xa1, 0x1e]), Buffer.alloc(4000, 0x61), Buffer.alloc(12_000, 0xbe)]);

const longPath = block(...get.filter(([name]) => name !== ':path'), [':path', `/${'x'.repeat(17_000)}`]);

/** Malformed messages: their stream is reset (1), and nothing of them is sent on. */
const malformed: Readonly<Record<string, Buffer>> = {
  'no :method': without(':method'),
  'no :scheme': without(':scheme'),
  'no :path': without(':path'),
  'an empty :path': replaced(':path', ''),
  'an empty :method': replaced(':method', ''),
  'two :path': with_([':path', '/b']),
  'two :method': headers(1, [[':method', 'GET'], ...get]),
  'two :authority': headers(1, [[':authority', 'b'], ...get]),
  'a pseudo-header after a header': headers(1, [...get.slice(0, 3), ['x', '1'], get[3]]),
  'an unknown pseudo-header': headers(1, [[':x', '1'], ...get]),
  'a response pseudo-header': headers(1, [[':status', '200'], ...get]),
  'a protocol pseudo-header': headers(1, [[':protocol', 'websocket'], [':method', 'CONNECT'], ...get.slice(1)]),
  'an upper-case name': with_(['X-One', '1']),
  'an empty name': with_(['', '1']),
  'a space in a name': with_(['x y', '1']),
  'a colon in a name': with_(['x:y', '1']),
  'CR in a name': with_(['x\ry', '1']),
  'LF in a name': with_(['x\nevil: 1', '1']),
  'NUL in a name': with_(['x\0', '1']),
  'a byte above ASCII in a name': with_(['x\xff', '1']),
  'CR in a value': with_(['x', 'a\rb']),
  'LF in a value': with_(['x', 'a\nevil: 1']),
  'CRLF in a value': with_(['x', 'a\r\nevil: 1']),
  'NUL in a value': with_(['x', 'a\0b']),
  'DEL in a value': with_(['x', 'a\x7fb']),
  'a space before a value': with_(['x', ' a']),
  'a space after a value': with_(['x', 'a ']),
  'a tab after a value': with_(['x', 'a\t']),
  'CRLF in :path': replaced(':path', '/ HTTP/1.1\r\nevil: 1'),
  'CRLF in :method': replaced(':method', 'GET / HTTP/1.1\r\nevil: 1'),
  'CRLF in :authority': replaced(':authority', 'a\r\nevil: 1'),
  'NUL in :path': replaced(':path', '/\0'),
  connection: with_(['connection', 'close']),
  'keep-alive': with_(['keep-alive', 'timeout=5']),
  'proxy-connection': with_(['proxy-connection', 'close']),
  'transfer-encoding': with_(['transfer-encoding', 'chunked']),
  upgrade: with_(['upgrade', 'websocket']),
  'te that is not trailers': with_(['te', 'gzip']),
  'two content-length': with_(['content-length', '0'], ['content-length', '0']),
  'a signed content-length': with_(['content-length', '+1']),
  'a content-length that is no number': with_(['content-length', '1a']),
  'a list of content-lengths': with_(['content-length', '0, 0']),
  'a content-length and no body': with_(['content-length', '5']),
  'two hosts': with_(['host', 'a'], ['host', 'a']),
  'more than the content-length': Buffer.concat([headers(1, [...post, ['content-length', '2']], false), body(1, 'abc')]),
  'less than the content-length': Buffer.concat([headers(1, [...post, ['content-length', '5']], false), body(1, 'abc')]),
  'pseudo-headers in trailers': Buffer.concat([headers(1, post, false), headers(1, [[':path', '/']])]),
  'a content-length in trailers': Buffer.concat([headers(1, post, false), headers(1, [['content-length', '3']])]),
  'a host in trailers': Buffer.concat([headers(1, post, false), headers(1, [['host', 'b']])]),
  'transfer-encoding in trailers': Buffer.concat([headers(1, post, false), headers(1, [['transfer-encoding', 'chunked']])]),
  'an upper-case name in trailers': Buffer.concat([headers(1, post, false), headers(1, [['X', '1']])]),
  'trailers that do not end the stream': Buffer.concat([headers(1, post, false), headers(1, [['x', '1']], false)]),
  'more than 100 fields': with_(...Array.from({ length: 100 }, () => ['x', '1'] as const)),
  'a header bomb by references': frame(types.headers, 5, 1, Buffer.concat([block(...get), indexedBomb])),
};

/** Messages that can be read and not be served: they are answered. */
const refused: Readonly<Record<string, readonly [string, Buffer]>> = {
  'a path without a slash': ['status 400', replaced(':path', 'x')],
  'an absolute form': ['status 400', replaced(':path', 'http://b/')],
  'a star for GET': ['status 400', replaced(':path', '*')],
  'a space in the path': ['status 400', replaced(':path', '/a b')],
  'a byte above ASCII in the path': ['status 400', replaced(':path', '/\xe9')],
  'an escaped NUL in the path': ['status 400', replaced(':path', '/%00')],
  'an escaped CRLF in the path': ['status 400', replaced(':path', '/%0d%0aevil')],
  'a path of more than 16 KiB': ['status 414', Buffer.concat([frame(types.headers, 1, 1, longPath.subarray(0, 16_000)), frame(types.continuation, 4, 1, longPath.subarray(16_000))])],
  'a lower-case method': ['status 400', replaced(':method', 'get')],
  'a method with a space': ['status 400', replaced(':method', 'GET X')],
  CONNECT: ['status 405', request([':method', 'CONNECT'], [':authority', 'a:443'])],
  'another scheme': ['status 400', replaced(':scheme', 'ftp')],
  'no authority': ['status 400', without(':authority')],
  'a user in the authority': ['status 400', replaced(':authority', 'user@a')],
  'a list in the authority': ['status 400', replaced(':authority', 'a, b')],
  'a path in the authority': ['status 400', replaced(':authority', 'a/b')],
  'a port that is none': ['status 400', replaced(':authority', 'a:99999')],
  'a host that differs': ['status 400', with_(['host', 'b'])],
  'an expectation': ['status 417', with_(['expect', 'miracles'])],
};

/** What ends the connection, by its error code. */
const fatal: Readonly<Record<string, readonly [number, Buffer]>> = {
  'no SETTINGS first': [code.protocol, Buffer.concat([preface, with_()])],
  'an acknowledgement first': [code.protocol, Buffer.concat([preface, frame(types.settings, 1, 0)])],
  'another preface': [code.protocol, Buffer.from('PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n')],
  'SETTINGS on a stream': [code.protocol, frame(types.settings, 0, 1)],
  'SETTINGS of an odd size': [code.size, frame(types.settings, 0, 0, 'abc')],
  'an acknowledgement with a payload': [code.size, frame(types.settings, 1, 0, parameter(3, 1))],
  'a push switch that is none': [code.protocol, frame(types.settings, 0, 0, parameter(2, 2))],
  'a window above the largest': [code.flow, frame(types.settings, 0, 0, parameter(4, 0x8000_0000))],
  'a frame size below the least': [code.protocol, frame(types.settings, 0, 0, parameter(5, 100))],
  'a frame size above the largest': [code.protocol, frame(types.settings, 0, 0, parameter(5, 0x100_0000))],
  'too many settings': [code.calm, frame(types.settings, 0, 0, many(100, parameter(3, 1)))],
  'a frame above 16 KiB': [code.size, frame(types.ping, 0, 0, Buffer.alloc(16_385))],
  'PING on a stream': [code.protocol, frame(types.ping, 0, 1, Buffer.alloc(8))],
  'PING of another size': [code.size, frame(types.ping, 0, 0, Buffer.alloc(7))],
  'GOAWAY on a stream': [code.protocol, frame(types.goaway, 0, 1, Buffer.alloc(8))],
  'GOAWAY that is too short': [code.size, frame(types.goaway, 0, 0, Buffer.alloc(4))],
  'a promise': [code.protocol, frame(types.push, 4, 1, Buffer.alloc(4))],
  'WINDOW_UPDATE of zero': [code.protocol, frame(types.window, 0, 0, uint32(0))],
  'WINDOW_UPDATE of another size': [code.size, frame(types.window, 0, 0, Buffer.alloc(3))],
  'WINDOW_UPDATE beyond the largest window': [code.flow, frame(types.window, 0, 0, uint32(0x7fff_ffff))],
  'WINDOW_UPDATE on an idle stream': [code.protocol, frame(types.window, 0, 5, uint32(1))],
  'RST_STREAM on an idle stream': [code.protocol, frame(types.reset, 0, 5, uint32(8))],
  'RST_STREAM on the connection': [code.protocol, frame(types.reset, 0, 0, uint32(8))],
  'RST_STREAM of another size': [code.size, frame(types.reset, 0, 1, Buffer.alloc(3))],
  'PRIORITY on the connection': [code.protocol, frame(types.priority, 0, 0, Buffer.alloc(5))],
  'PRIORITY of another size': [code.size, frame(types.priority, 0, 1, Buffer.alloc(4))],
  'HEADERS on the connection': [code.protocol, headers(0, get)],
  'HEADERS on an even stream': [code.protocol, headers(2, get)],
  'DATA on the connection': [code.protocol, body(0, 'x')],
  'DATA on an idle stream': [code.protocol, body(1, 'x')],
  'HEADERS on an earlier stream': [code.closed, Buffer.concat([headers(5, get, false), headers(3, get)])],
  'padding beyond the payload of HEADERS': [code.protocol, frame(types.headers, 0xd, 1, Buffer.concat([Buffer.from([255]), block(...get)]))],
  'padding beyond the payload of DATA': [code.protocol, Buffer.concat([headers(1, post, false), frame(types.data, 8, 1, Buffer.from([5, 1]))])],
  'padding without a length': [code.protocol, Buffer.concat([headers(1, post, false), frame(types.data, 8, 1)])],
  'another frame inside a header block': [code.protocol, Buffer.concat([frame(types.headers, 1, 1, block(...get)), frame(types.ping, 0, 0, Buffer.alloc(8))])],
  'CONTINUATION of another stream': [code.protocol, Buffer.concat([frame(types.headers, 1, 1, block(...get)), frame(types.continuation, 4, 3)])],
  'CONTINUATION without HEADERS': [code.protocol, frame(types.continuation, 4, 1, block(...get))],
  'a flood of CONTINUATION': [code.calm, Buffer.concat([frame(types.headers, 1, 1, block(...get)), many(200, frame(types.continuation, 0, 1, block(['x', '1'])))])],
  'a header block of more than 60 KiB': [code.calm, Buffer.concat([frame(types.headers, 1, 1, block(...get)), many(5, frame(types.continuation, 0, 1, Buffer.alloc(16_000)))])],
  'empty CONTINUATION': [code.calm, Buffer.concat([frame(types.headers, 1, 1, block(...get)), many(3, frame(types.continuation, 0, 1))])],
  'empty DATA': [code.calm, Buffer.concat([headers(1, post, false), many(3, frame(types.data, 0, 1))])],
  'a flood of PRIORITY': [code.calm, many(500, frame(types.priority, 0, 1, Buffer.alloc(5)))],
  'a flood of WINDOW_UPDATE': [code.calm, many(500, frame(types.window, 0, 0, uint32(1)))],
  'rapid resets': [code.calm, Buffer.concat(Array.from({ length: 600 }, (_, index) => Buffer.concat([headers(index * 2 + 1, post, false), frame(types.reset, 0, index * 2 + 1, uint32(8))])))],
  'resets that the proxy is made to send': [code.calm, Buffer.concat(Array.from({ length: 600 }, (_, index) => Buffer.concat([headers(index * 2 + 1, post, false), frame(types.window, 0, index * 2 + 1, uint32(0))])))],
  'header index 0': [code.compression, frame(types.headers, 5, 1, Buffer.from([0x80]))],
  'an index outside of the tables': [code.compression, frame(types.headers, 5, 1, Buffer.from([0xff, 0x80, 0x01]))],
  'an integer without end': [code.compression, frame(types.headers, 5, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))],
  'a string that is cut off': [code.compression, frame(types.headers, 5, 1, Buffer.from([0x00, 0x05, 0x61]))],
  'Huffman code with padding of zeros': [code.compression, frame(types.headers, 5, 1, Buffer.from([0x00, 0x81, 0x00, 0x01, 0x61]))],
  'Huffman code with the end symbol': [code.compression, frame(types.headers, 5, 1, Buffer.from([0x00, 0x84, 0xff, 0xff, 0xff, 0xff, 0x01, 0x61]))],
  'a table above what was allowed': [code.compression, frame(types.headers, 5, 1, Buffer.from([0x3f, 0xe2, 0x1f]))],
  'a table size inside a block': [code.compression, frame(types.headers, 5, 1, Buffer.concat([block(get[0]), Buffer.from([0x20])]))],
};

describe('a malformed request is reset and not forwarded', () => {
  for (const [name, bytes] of Object.entries(malformed)) it(name, async () => { expect(await judge(start, bytes)).toEqual({ verdict: 'reset 1', forwarded: expect.not.stringMatching(/evil|GET |\r\n0\r\n/) as string }); });
});

describe('a request that cannot be served is answered and not forwarded', () => {
  for (const [name, [expected, bytes]] of Object.entries(refused)) it(name, async () => { expect(await judge(start, bytes)).toEqual({ verdict: expected, forwarded: '' }); });
});

describe('what breaks the connection’s rules ends it', () => {
  for (const [name, [expected, bytes]] of Object.entries(fatal)) {
    it(name, async () => {
      const begun = bytes.subarray(0, 3).toString() === 'PRI';
      expect((await judge(...(begun ? [bytes] : [start, bytes]))).verdict).toBe(`goaway ${expected}`);
    });
  }
});

describe('a stream that breaks its own rules is reset alone', () => {
  it('HEADERS after its end', async () => { expect((await judge(start, frame(types.headers, 4, 1, block(...post)), body(1, 'x'), headers(1, get))).verdict).toMatch(/reset 5|goaway 5/); });
  it('DATA beyond its window', async () => { expect((await judge(start, headers(1, post, false), many(5, body(1, 'x'.repeat(16_384), false)))).verdict).toBe('reset 3'); });
});

describe('odd, and allowed', () => {
  const allowed: Readonly<Record<string, readonly Buffer[]>> = {
    'unknown frames and settings': [frame(0x42, 0xff, 7, 'what'), frame(types.settings, 0, 0, parameter(0x99, 1)), with_()],
    'a split header block': [frame(types.headers, 1, 1, block(...get.slice(0, 2))), frame(types.continuation, 4, 1, block(...get.slice(2)))],
    'padding and priority': [frame(types.headers, 0x2d, 1, Buffer.concat([Buffer.from([3]), Buffer.alloc(5), block(...get), Buffer.alloc(3)]))],
    'a host that agrees': [with_(['host', 'A'])],
    'te: trailers': [with_(['te', 'trailers'])],
    'a body of padding and nothing': [headers(1, post, false), frame(types.data, 9, 1, Buffer.from([2, 0, 0]))],
    'PRIORITY for a stream that is not there': [frame(types.priority, 0, 9, Buffer.alloc(5)), with_()],
    'a table of the client’s own': [frame(types.headers, 5, 1, Buffer.concat([Buffer.from([0x3f, 0xe1, 0x1f]), block(...get)]))],
  };
  for (const [name, bytes] of Object.entries(allowed)) it(name, async () => { expect((await judge(start, ...bytes)).verdict).toBe('status 200'); });
});
