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
  'bytes that are no HTTP': '\x15\x03\x01\x00\x02\x02\x28\r\n\r\n',
};

describe('a malicious upstream gives 502 and its connection is not used again', () => {
  for (const [name, answer] of Object.entries(malicious)) {
    it(name, async () => {
      const { first, second, connections, flags } = await call(answer);
      expect(first).toMatch(/^HTTP\/1\.1 502 [^]*reset reason: protocol error$/);
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

it('skips informational responses', async () => {
  const { first } = await call(`HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n${line}Content-Length: 3\r\n\r\nabc`);
  expect(first).toMatch(/^HTTP\/1\.1 200 [^]*abc$/);
  expect(first).not.toContain('103');
});
