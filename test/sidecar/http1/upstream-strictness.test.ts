import { afterEach, describe, expect, it } from 'vitest';
import { exchange, startProxy, startUpstream } from '../http/proxy.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => { for (const close of closing.splice(0)) await close(); });

/** One malicious answer to the first request, a good one to the second; says what the client saw of both, and how many upstream connections there were. */
async function call(answer: string, method = 'GET'): Promise<{ readonly first: string; readonly second: string; readonly connections: number; readonly flags: readonly string[] }> {
  let calls = 0;
  const upstream = await startUpstream((received, socket) => {
    if (!received.endsWith('\r\n\r\n')) return;
    socket.write(calls++ === 0 ? answer : 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood', 'latin1');
    if (answer.endsWith('EOF')) socket.end();
  });
  const proxy = await startProxy({ clusters: { up: [upstream.port] } });
  closing.push(() => proxy.close(), () => upstream.close());
  const one = await exchange(proxy.port, [`${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`]);
  const two = await exchange(proxy.port, ['GET /second HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n']);
  return { first: one.answer, second: two.answer, connections: upstream.received.length, flags: proxy.records[0]?.flags ?? [] };
}

const line = 'HTTP/1.1 200 OK\r\n';
const malicious: Readonly<Record<string, string>> = {
  'both lengths': `${line}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'two lengths': `${line}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`,
  'two equal lengths': `${line}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`,
  'a signed length': `${line}Content-Length: +3\r\n\r\nabc`,
  'a list of lengths': `${line}Content-Length: 3, 3\r\n\r\nabc`,
  'another transfer coding': `${line}Transfer-Encoding: gzip\r\n\r\nabc`,
  'two transfer codings': `${line}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  'an empty transfer coding': `${line}Transfer-Encoding:\r\n\r\nabc`,
  'chunks in HTTP/1.0': 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'a bare LF in the head': `${line}X: a\nSet-Cookie: evil=1\r\nContent-Length: 0\r\n\r\n`,
  'a bare CR in a value': `${line}X: a\rSet-Cookie: evil=1\r\nContent-Length: 0\r\n\r\n`,
  'bare LF everywhere': 'HTTP/1.1 200 OK\nContent-Length: 0\n\n',
  'a NUL in a value': `${line}X: a\0b\r\nContent-Length: 0\r\n\r\n`,
  'a folded line': `${line}X: a\r\n b\r\nContent-Length: 0\r\n\r\n`,
  'a space before the colon': `${line}Content-Length : 3\r\n\r\nabc`,
  'a line without a colon': `${line}Nonsense\r\nContent-Length: 0\r\n\r\n`,
  'another protocol': 'ICAP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/2': 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n',
  'a status of two digits': 'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n',
  'a status of four digits': 'HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n',
  'a status that is no number': 'HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n',
  'a status above 599': 'HTTP/1.1 600 Odd\r\nContent-Length: 0\r\n\r\n',
  'a control character in the reason': 'HTTP/1.1 200 O\x07K\r\nContent-Length: 0\r\n\r\n',
  'a storm of informational responses': `${'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n'.repeat(50)}${line}Content-Length: 0\r\n\r\n`,
  'an informational response with a length': `HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nhello${line}Content-Length: 0\r\n\r\n`,
  'a switch of protocols that nobody asked for': 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
  'a head that is too large': `${line}X: ${'x'.repeat(61 * 1024)}\r\nContent-Length: 0\r\n\r\n`,
  'a head without end': `${line}X: ${'x'.repeat(70 * 1024)}`,
  'too many headers': `${line}${'X: 1\r\n'.repeat(101)}Content-Length: 0\r\n\r\n`,
  'a broken chunk size': `${line}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\nabc\r\n`,
  'a negative length': `${line}Content-Length: -3\r\n\r\nabc`,
  'a hexadecimal length': `${line}Content-Length: 0x3\r\n\r\nabc`,
  'a length with a fraction': `${line}Content-Length: 3.0\r\n\r\nabc`,
  'a length with an exponent': `${line}Content-Length: 3e0\r\n\r\nabc`,
  'an empty length': `${line}Content-Length:\r\n\r\nabc`,
  'a length with a space inside': `${line}Content-Length: 1 0\r\n\r\nabc`,
  'a length with an underscore': `${line}Content-Length: 1_0\r\n\r\nabc`,
  'a length that overflows': `${line}Content-Length: 99999999999999999999\r\n\r\nabc`,
  'a length in quotes': `${line}Content-Length: "3"\r\n\r\nabc`,
  'lengths in two spellings': `${line}content-length: 3\r\nCONTENT-LENGTH: 4\r\n\r\nabcd`,
  'both lengths, other order': `${line}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n`,
  'identity as transfer coding': `${line}Transfer-Encoding: identity\r\n\r\nabc`,
  'chunked twice in one': `${line}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`,
  'chunked twice': `${line}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'chunked before identity': `${line}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
  'a coding that ends in chunked': `${line}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
  'chunked in quotes': `${line}Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n`,
  'chunked with a parameter': `${line}Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n`,
  'chunked behind a vertical tab': `${line}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`,
  'chunked on a folded line': `${line}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n`,
  'a space before the colon of Transfer-Encoding': `${line}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
  'a tab before a colon': `${line}X\t: 1\r\nContent-Length: 0\r\n\r\n`,
  'a line folded with a tab': `${line}X: a\r\n\tb\r\nContent-Length: 0\r\n\r\n`,
  'a space before the first header': `HTTP/1.1 200 OK\r\n X: 1\r\nContent-Length: 0\r\n\r\n`,
  'an empty name': `${line}: 1\r\nContent-Length: 0\r\n\r\n`,
  'a name with a bracket': `${line}X[1]: 1\r\nContent-Length: 0\r\n\r\n`,
  'a name with a NUL': `${line}X\0Y: 1\r\nContent-Length: 0\r\n\r\n`,
  'a name with a quote': `${line}"X": 1\r\nContent-Length: 0\r\n\r\n`,
  'a name beyond ASCII': `${line}X\xe9: 1\r\nContent-Length: 0\r\n\r\n`,
  'a control byte in a value': `${line}X: a\x01b\r\nContent-Length: 0\r\n\r\n`,
  'DEL in a value': `${line}X: a\x7fb\r\nContent-Length: 0\r\n\r\n`,
  'a vertical tab in a value': `${line}X: a\x0bb\r\nContent-Length: 0\r\n\r\n`,
  'a form feed in a value': `${line}X: a\x0cb\r\nContent-Length: 0\r\n\r\n`,
  'a bare CR in a name': `${line}X\rY: 1\r\nContent-Length: 0\r\n\r\n`,
  'a bare CR at the end of a line': `${line}X: a\rContent-Length: 0\r\n\r\n`,
  'a bare LF behind the status line': 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n',
  'a bare CR in the status line': 'HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n',
  'a NUL in the status line': 'HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n',
  'a lower-case protocol': 'http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.2': 'HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/0.9 with a head': 'HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n',
  'a version of two digits': 'HTTP/1.10 200 OK\r\nContent-Length: 0\r\n\r\n',
  'two spaces before the status': 'HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n',
  'a tab before the status': 'HTTP/1.1\t200 OK\r\nContent-Length: 0\r\n\r\n',
  'no status': 'HTTP/1.1 \r\nContent-Length: 0\r\n\r\n',
  'a signed status': 'HTTP/1.1 +20 OK\r\nContent-Length: 0\r\n\r\n',
  'a status below 100': 'HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n',
  'a status of 000': 'HTTP/1.1 000 Odd\r\nContent-Length: 0\r\n\r\n',
  'no space behind the status': 'HTTP/1.1 200OK\r\nContent-Length: 0\r\n\r\n',
  'a space before the status line': ' HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  'an informational response in chunks': `HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${line}Content-Length: 0\r\n\r\n`,
  'a malformed informational response': `HTTP/1.1 103 Early Hints\r\nX : 1\r\n\r\n${line}Content-Length: 0\r\n\r\n`,
  'a chunk size in the first chunk that is no number': `${line}Transfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n`,
  'a negative chunk size': `${line}Transfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n`,
  'a chunk size with 0x': `${line}Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n`,
  'a chunk size that overflows': `${line}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n`,
  'a space before a chunk size': `${line}Transfer-Encoding: chunked\r\n\r\n 3\r\nabc\r\n0\r\n\r\n`,
  'an empty chunk size': `${line}Transfer-Encoding: chunked\r\n\r\n\r\nabc\r\n0\r\n\r\n`,
  'a chunk size that ends in a bare LF': `${line}Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n`,
  'a chunk size that ends in a bare CR': `${line}Transfer-Encoding: chunked\r\n\r\n3\rabc\r\n0\r\n\r\n`,
  'bytes that are no HTTP': '\x15\x03\x01\x00\x02\x02\x28\r\n\r\n',
};

describe('a malicious upstream gives 502 and its connection is not used again', () => {
  for (const [name, answer] of Object.entries(malicious)) {
    it(name, async () => {
      const { first, second, connections, flags } = await call(answer);
      // What came before in good order was passed on.
      expect(first.replace(/^(HTTP\/1\.1 103 Early Hints\r\nlink: x\r\n\r\n)*/i, '')).toMatch(/^HTTP\/1\.1 502 [^]*reset reason: protocol error$/);
      expect(first).not.toContain('evil');
      expect(flags).toEqual(['UPE']);
      expect(second).toMatch(/^HTTP\/1\.1 200 [^]*good$/);
      expect(connections).toBe(2);
    });
  }
});

describe('an upstream that says too much gives the exact bytes, and its connection is not used again', () => {
  for (const [name, answer, body, method] of [
    ['bytes behind the body', `${line}Content-Length: 3\r\n\r\nabc${line}Content-Length: 4\r\n\r\nevil`, 'abc', 'GET'],
    ['bytes behind the last chunk', `${line}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n${line}Content-Length: 4\r\n\r\nevil`, '3\r\nabc\r\n0\r\n\r\n', 'GET'],
    ['a body for HEAD', `${line}Content-Length: 4\r\n\r\nevil`, '', 'HEAD'],
    ['a body on 204', 'HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nevil', '', 'GET'],
    ['chunks on 204', 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n', '', 'GET'],
    ['a body on 304', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nevil', '', 'GET'],
  ] as const) {
    it(name, async () => {
      const { first, second, connections } = await call(answer, method);
      expect(first.slice(first.indexOf('\r\n\r\n') + 4)).toBe(body);
      expect(first).not.toContain('evil');
      expect(second).toMatch(/good$/);
      expect(connections).toBe(2);
    });
  }
});

describe('a response that breaks off is seen to break off', () => {
  for (const [name, answer] of [
    ['a short body', `${line}Content-Length: 10\r\n\r\nEOF`],
    ['chunks without end', `${line}Transfer-Encoding: chunked\r\n\r\n3\r\nEOF`],
  ] as const) {
    it(name, async () => {
      const { first, flags } = await call(answer);
      expect(first).toMatch(/^HTTP\/1\.1 200 /);
      expect(first).not.toMatch(/\r\n0\r\n\r\n$/);
      expect(flags).toEqual(['UC']);
    });
  }
});

it('passes informational responses on, but for a 100 that the caller does not wait for', async () => {
  const { first } = await call(`HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n${line}Content-Length: 3\r\n\r\nabc`);
  expect(first).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP\/1\.1 200 [^]*abc$/i);
});
