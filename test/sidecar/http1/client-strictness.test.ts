import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exchange, startEcho, startProxy, type RawUpstream, type TestProxy } from '../http/proxy.ts';

let upstream: RawUpstream;
let proxy: TestProxy;

beforeAll(async () => {
  upstream = await startEcho(() => 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  const route = { cluster: 'up', timeout: '0s' };
  proxy = await startProxy({ manager: { httpProtocolOptions: { acceptHttp10: true } }, clusters: { up: [upstream.port] }, routes: [{ match: { prefix: '/' }, route }, { match: { path: '*' }, route }] });
});
afterAll(async () => { await proxy.close(); await upstream.close(); });

const host = 'Host: a\r\n';
const get = (headers: string, target = '/'): string => `GET ${target} HTTP/1.1\r\n${headers}\r\n`;
const post = (headers: string, body = ''): string => `POST / HTTP/1.1\r\n${host}${headers}\r\n${body}`;
const chunked = (body: string, headers = 'Transfer-Encoding: chunked\r\n'): string => post(headers, body);

/** What a hostile client sends, and the status that it must get; the connection ends and nothing reaches the upstream whole. */
const refused: Readonly<Record<string, readonly [string, number]>> = {
  'both lengths': [post('Content-Length: 3\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), 400],
  'both lengths, other order': [post('Transfer-Encoding: chunked\r\nContent-Length: 3\r\n', '0\r\n\r\n'), 400],
  'two equal lengths': [post('Content-Length: 3\r\nContent-Length: 3\r\n', 'abc'), 400],
  'two different lengths': [post('Content-Length: 3\r\nContent-Length: 4\r\n', 'abcd'), 400],
  'a list of lengths': [post('Content-Length: 3, 3\r\n', 'abc'), 400],
  'a signed length': [post('Content-Length: +3\r\n', 'abc'), 400],
  'a negative length': [post('Content-Length: -3\r\n', 'abc'), 400],
  'a hexadecimal length': [post('Content-Length: 0x3\r\n', 'abc'), 400],
  'a length with a fraction': [post('Content-Length: 3.0\r\n', 'abc'), 400],
  'a length with an exponent': [post('Content-Length: 3e0\r\n', 'abc'), 400],
  'an empty length': [post('Content-Length:\r\n', 'abc'), 400],
  'a length with a space inside': [post('Content-Length: 1 0\r\n', 'abc'), 400],
  'a length that overflows': [post('Content-Length: 99999999999999999999\r\n', 'abc'), 400],
  'a length with an underscore': [post('Content-Length: 1_0\r\n', 'abc'), 400],
  'Transfer-Encoding identity': [chunked('abc', 'Transfer-Encoding: identity\r\n'), 400],
  'Transfer-Encoding empty': [chunked('abc', 'Transfer-Encoding:\r\n'), 400],
  'Transfer-Encoding gzip, chunked': [chunked('0\r\n\r\n', 'Transfer-Encoding: gzip, chunked\r\n'), 400],
  'Transfer-Encoding chunked, identity': [chunked('0\r\n\r\n', 'Transfer-Encoding: chunked, identity\r\n'), 400],
  'Transfer-Encoding chunked twice in one': [chunked('0\r\n\r\n', 'Transfer-Encoding: chunked, chunked\r\n'), 400],
  'Transfer-Encoding twice': [chunked('0\r\n\r\n', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n'), 400],
  'Transfer-Encoding xchunked': [chunked('0\r\n\r\n', 'Transfer-Encoding: xchunked\r\n'), 400],
  'Transfer-Encoding with a vertical tab': [chunked('0\r\n\r\n', 'Transfer-Encoding: \x0bchunked\r\n'), 400],
  'Transfer-Encoding quoted': [chunked('0\r\n\r\n', 'Transfer-Encoding: "chunked"\r\n'), 400],
  'Transfer-Encoding with a parameter': [chunked('0\r\n\r\n', 'Transfer-Encoding: chunked;a=b\r\n'), 400],
  'Transfer-Encoding folded': [chunked('0\r\n\r\n', 'Transfer-Encoding:\r\n chunked\r\n'), 400],
  'Transfer-Encoding in HTTP/1.0': [`POST / HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  'a space before the colon': [get(`${host}X : 1\r\n`), 400],
  'a tab before the colon': [get(`${host}X\t: 1\r\n`), 400],
  'a space before the colon of Content-Length': [post('Content-Length : 3\r\n', 'abc'), 400],
  'a space before the colon of Transfer-Encoding': [chunked('0\r\n\r\n', 'Transfer-Encoding : chunked\r\n'), 400],
  'a folded line': [get(`${host}X: 1\r\n 2\r\n`), 400],
  'a line folded with a tab': [get(`${host}X: 1\r\n\t2\r\n`), 400],
  'a space before the first header': [`GET / HTTP/1.1\r\n ${host}\r\n`, 400],
  'no colon': [get(`${host}Nonsense\r\n`), 400],
  'an empty name': [get(`${host}: 1\r\n`), 400],
  'a name with a bracket': [get(`${host}X[1]: 1\r\n`), 400],
  'a name with a NUL': [get(`${host}X\0Y: 1\r\n`), 400],
  'a name beyond ASCII': [get(`${host}X\xe9: 1\r\n`), 400],
  'a name with a quote': [get(`${host}"X": 1\r\n`), 400],
  'a NUL in a value': [get(`${host}X: a\0b\r\n`), 400],
  'a bell in a value': [get(`${host}X: a\x07b\r\n`), 400],
  'a DEL in a value': [get(`${host}X: a\x7fb\r\n`), 400],
  'a bare CR in a value': [get(`${host}X: a\rb\r\n`), 400],
  'a bare LF in a value': [get(`${host}X: a\nY: b\r\n`), 400],
  'bare LF everywhere': ['GET / HTTP/1.1\nHost: a\n\n', 400],
  'bare LF at the end of the head': [`GET / HTTP/1.1\r\n${host}\n`, 400],
  'bare LF behind the request line': [`GET / HTTP/1.1\n${host}\r\n`, 400],
  'CR CR LF': [`GET / HTTP/1.1\r\r\n${host}\r\n`, 400],
  'a CR in the target': [`GET /\r HTTP/1.1\r\n${host}\r\n`, 400],
  'no Host': [get(''), 400],
  'two Hosts': [get(`${host}Host: b\r\n`), 400],
  'two equal Hosts': [get(`${host}${host}`), 400],
  'an empty Host': [get('Host:\r\n'), 400],
  'a list of Hosts': [get('Host: a, b\r\n'), 400],
  'a user in Host': [get('Host: user@a\r\n'), 400],
  'a path in Host': [get('Host: a/b\r\n'), 400],
  'a query in Host': [get('Host: a?b\r\n'), 400],
  'a fragment in Host': [get('Host: a#b\r\n'), 400],
  'a space in Host': [get('Host: a b\r\n'), 400],
  'a backslash in Host': [get('Host: a\\b\r\n'), 400],
  'a port that is no number': [get('Host: a:80x\r\n'), 400],
  'an empty port': [get('Host: a:\r\n'), 400],
  'a port that is too large': [get('Host: a:65536\r\n'), 400],
  'two ports': [get('Host: a:80:80\r\n'), 400],
  'a broken IPv6 Host': [get('Host: [::1\r\n'), 400],
  'a Host beyond ASCII': [get('Host: \xe9\r\n'), 400],
  'a percent in Host': [get('Host: a%00b\r\n'), 400],
  'a lower-case method': [`get / HTTP/1.1\r\n${host}\r\n`, 400],
  'a method with a bracket': [`GE[T / HTTP/1.1\r\n${host}\r\n`, 400],
  'a method with a digit': [`G3T / HTTP/1.1\r\n${host}\r\n`, 400],
  'a method that is too long': [`${'A'.repeat(40)} / HTTP/1.1\r\n${host}\r\n`, 400],
  'no method': [` / HTTP/1.1\r\n${host}\r\n`, 400],
  'two spaces before the target': [`GET  / HTTP/1.1\r\n${host}\r\n`, 400],
  'two spaces behind the target': [`GET /  HTTP/1.1\r\n${host}\r\n`, 400],
  'a tab in the request line': [`GET\t/ HTTP/1.1\r\n${host}\r\n`, 400],
  'a space behind the version': [`GET / HTTP/1.1 \r\n${host}\r\n`, 400],
  'a space in the target': [`GET /a b HTTP/1.1\r\n${host}\r\n`, 400],
  'no version': [`GET /\r\n${host}\r\n`, 400],
  'HTTP/0.9': ['GET /\r\n\r\n', 400],
  'HTTP/2.0': [`GET / HTTP/2.0\r\n${host}\r\n`, 505],
  'HTTP/1.2': [`GET / HTTP/1.2\r\n${host}\r\n`, 505],
  'a lower-case version': [`GET / http/1.1\r\n${host}\r\n`, 400],
  'a version with two digits': [`GET / HTTP/1.01\r\n${host}\r\n`, 400],
  'another protocol': [`GET / ICAP/1.0\r\n${host}\r\n`, 400],
  'a target without a slash': [get(host, 'index.html'), 400],
  'GET *': [get(host, '*'), 400],
  'a NUL in the target': [get(host, '/\0'), 400],
  'a target beyond ASCII': [get(host, '/\xe9'), 400],
  'an escaped NUL': [get(host, '/a%00b'), 400],
  'an escaped line end': [get(host, '/a%0d%0ab'), 400],
  'an absolute target with a user': [get(host, 'http://user@b/'), 400],
  'an absolute target without a host': [get(host, 'http:///'), 400],
  'an absolute target of another scheme': [get(host, 'ftp://b/'), 400],
  'an absolute target with a bad port': [get(host, 'http://b:99999/'), 400],
  'an absolute target and an unusable Host': [get('Host: a b\r\n', 'http://b/'), 400],
  'CONNECT': [`CONNECT a:443 HTTP/1.1\r\n${host}\r\n`, 405],
  'an unknown expectation': [post('Content-Length: 3\r\nExpect: magic\r\n', 'abc'), 417],
  'a head that is too large': [get(`${host}X: ${'x'.repeat(61 * 1024)}\r\n`), 431],
  'a head without end': [`GET / HTTP/1.1\r\n${host}X: ${'x'.repeat(70 * 1024)}`, 431],
  'too many headers': [get(host + 'X: 1\r\n'.repeat(100)), 431],
  'a target that is too long': [get(host, `/${'x'.repeat(20 * 1024)}`), 414],
  'a request line without end': [`GET /${'x'.repeat(20 * 1024)}`, 414],
  'a WebSocket upgrade with a body': [get(`${host}Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n`), 400],
  'a TLS hello': ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 400],
  'two empty lines first': ['\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
};

describe('a hostile client is refused', () => {
  for (const [name, [bytes, status]] of Object.entries(refused)) {
    it(name, async () => {
      const before = upstream.received.join('').length;
      const { answer, closed } = await exchange(proxy.port, [`${bytes}`]);
      expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*connection: close`));
      expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
      expect(closed).toBe(true);
      expect(upstream.received.join('').length).toBe(before);
    });
  }
});

/** Bodies that break off after a good head: the upstream may see their beginning, but never their end. */
const brokenBodies: Readonly<Record<string, string>> = {
  'a chunk size that is no number': chunked('xyz\r\nabc\r\n0\r\n\r\n'),
  'a chunk size with a sign': chunked('+3\r\nabc\r\n0\r\n\r\n'),
  'a chunk size with 0x': chunked('0x3\r\nabc\r\n0\r\n\r\n'),
  'a chunk size with a space': chunked('3 \r\nabc\r\n0\r\n\r\n'),
  'a space before a chunk size': chunked(' 3\r\nabc\r\n0\r\n\r\n'),
  'an empty chunk size': chunked('\r\nabc\r\n0\r\n\r\n'),
  'a chunk size that overflows': chunked(`${'f'.repeat(17)}\r\nabc\r\n`),
  'a chunk size with a bare LF': chunked('3\nabc\r\n0\r\n\r\n'),
  'an extension with a bare LF': chunked('3;x\nabc\r\n0\r\n\r\n'),
  'an extension with a NUL': chunked('3;\0\r\nabc\r\n0\r\n\r\n'),
  'an extension without end': chunked(`3;${'x'.repeat(8000)}`),
  'a chunk that is longer than its size': chunked('3\r\nabcd\r\n0\r\n\r\n'),
  'a chunk that is shorter than its size': chunked('4\r\nabc\r\n0\r\n\r\n'),
  'a chunk ended by a bare LF': chunked('3\r\nabc\n0\r\n\r\n'),
  'a last chunk with a bare LF': chunked('3\r\nabc\r\n0\n\n'),
  'a trailer with a space before the colon': chunked('0\r\nX : 1\r\n\r\n'),
  'a trailer with a bare LF': chunked('0\r\nX: 1\nY: 2\r\n\r\n'),
  'a folded trailer': chunked('0\r\nX: 1\r\n 2\r\n\r\n'),
  'trailers without end': chunked(`0\r\n${'X: 1\r\n'.repeat(4000)}`),
  'two lengths in a trailer': chunked('0\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'),
};

describe('a hostile body ends the connection and never reaches the upstream whole', () => {
  for (const [name, bytes] of Object.entries(brokenBodies)) {
    it(name, async () => {
      const { answer, closed } = await exchange(proxy.port, [bytes + get(host, '/smuggled')]);
      expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
      expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
      expect(closed).toBe(true);
      expect(upstream.received.join('')).not.toMatch(/smuggled|\r\n0\r\n\r\n$/);
    });
  }
});

/** What is odd but means one thing only. */
const accepted: Readonly<Record<string, readonly [string, RegExp]>> = {
  'one empty line first': ['\r\nGET /odd1 HTTP/1.1\r\nHost: a\r\n\r\n', /^GET \/odd1 HTTP\/1\.1\r\nhost: a\r\n/],
  'an absolute target': [get(host, 'http://b:80/odd2?q'), /^GET \/odd2\?q HTTP\/1\.1\r\nhost: b:80\r\n/],
  'an absolute target without a path': [get(host, 'http://b?odd3'), /^GET \/\?odd3 HTTP\/1\.1\r\nhost: b\r\n/],
  'OPTIONS *': ['OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n', /^OPTIONS \* HTTP\/1\.1\r\n/],
  'Transfer-Encoding in capitals': [chunked('0\r\n\r\n', 'TRANSFER-ENCODING: Chunked\r\n'), /^POST [^]*\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n$/],
  'a length with leading zeros': [post('Content-Length: 0003\r\n', 'abc'), /\r\ncontent-length: 3\r\n\r\nabc$/],
  'no space behind the colon': [get('Host:a\r\nX-Odd:5\r\n'), /\r\nx-odd: ?5\r\n/i],
  'a value beyond ASCII': [get(`${host}X-Odd: \xe9\r\n`), /\r\nx-odd: \xe9\r\n/i],
  'an IPv6 Host': [get('Host: [::1]:8080\r\n'), /\r\nhost: \[::1\]:8080\r\n/],
  'a Connection header that names Host and a length': [post('Content-Length: 3\r\nConnection: host, content-length\r\n', 'abc'), /\r\nhost: a\r\n[^]*content-length: 3\r\n\r\nabc$/],
  'an upgrade that is not allowed': [get(`${host}Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n`), /^GET (?![^]*upgrade: )/i],
  'HTTP/1.0 with keep-alive': ['GET /odd4 HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n', /^GET \/odd4 HTTP\/1\.1\r\n/],
};

describe('an odd but clear request is passed on in plain form', () => {
  for (const [name, [bytes, wanted]] of Object.entries(accepted)) {
    it(name, async () => {
      const before = upstream.received.join('').length;
      const { answer } = await exchange(proxy.port, [bytes], (text) => text.endsWith('ok'));
      expect(answer).toMatch(/^HTTP\/1\.1 200 /);
      expect(upstream.received.join('').slice(before)).toMatch(wanted);
    });
  }
});

it('judges a pipelined request by itself', async () => {
  const { answer } = await exchange(proxy.port, [`${get(host)}${get('Host: a\r\nHost: b\r\n')}${get(host, '/never')}`]);
  expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400']);
  expect(upstream.received.join('')).not.toContain('/never');
});

it('ignores bytes behind Connection: close', async () => {
  const { answer, closed } = await exchange(proxy.port, [`${get(`${host}Connection: close\r\n`)}${get(host, '/after-close')}`]);
  expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200']);
  expect(closed).toBe(true);
  expect(upstream.received.join('')).not.toContain('/after-close');
});
