import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { socketLink } from '../../../src/sidecar/link/index.ts';
import { readClientHello } from '../../../src/sidecar/listener/client-hello.ts';
import { guessHttp } from '../../../src/sidecar/listener/http-inspector.ts';
import { sniff, type SniffOptions, type Sniffed } from '../../../src/sidecar/listener/sniff.ts';

const cleanup: (() => void)[] = [];
afterEach(() => { for (const run of cleanup.splice(0)) run(); });

async function pair(): Promise<{ client: Socket; server: Socket }> {
  const listener = createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const client = connect((listener.address() as AddressInfo).port, '127.0.0.1');
  const [server] = await once(listener, 'connection') as [Socket];
  client.on('error', () => undefined);
  cleanup.push(() => { client.destroy(); server.destroy(); listener.close(); });
  return { client, server };
}

const clock = { now: () => Date.now(), after: (ms: number, run: () => void) => { const timer = setTimeout(run, ms); return () => { clearTimeout(timer); }; } };
const options = (more: Partial<SniffOptions> = {}): SniffOptions => ({ tls: true, http: true, clock, silenceMs: 10_000, timeoutMs: 10_000, silent: () => true, ...more });

/** A ClientHello as Node's own client sends it. */
async function realClientHello(servername: string, ALPNProtocols: string[]): Promise<Buffer> {
  const { client, server } = await pair();
  connectTls({ socket: client, servername, ALPNProtocols, rejectUnauthorized: false }).on('error', () => undefined);
  server.resume();
  const [bytes] = await once(server, 'data') as [Buffer];
  return bytes;
}

describe('a ClientHello', () => {
  test('says its server name and protocols', async () => {
    const bytes = await realClientHello('Reviews.example.COM', ['istio-http/1.1', 'istio', 'http/1.1']);
    expect(readClientHello(bytes)).toEqual({ state: 'hello', serverName: 'reviews.example.com', applicationProtocols: ['istio-http/1.1', 'istio', 'http/1.1'] });
  });

  test('is read at every split, in any number of records, and never past its end', async () => {
    const bytes = await realClientHello('a.b', ['h2']);
    for (let cut = 0; cut < bytes.length; cut += 1) expect(readClientHello(bytes.subarray(0, cut))).toEqual({ state: 'more' });
    const records = [...bytes.subarray(5)].map((byte) => Buffer.from([22, 3, 1, 0, 1, byte]));
    expect(readClientHello(Buffer.concat(records))).toMatchObject({ state: 'hello', serverName: 'a.b' });
    expect(readClientHello(Buffer.concat([bytes, Buffer.from('more')]))).toMatchObject({ state: 'hello', serverName: 'a.b' });
  });

  test('is not seen in garbage, and garbage does not harm', async () => {
    expect(readClientHello(Buffer.from('GET / HTTP/1.1'))).toEqual({ state: 'no' });
    expect(readClientHello(Buffer.from([22, 2]))).toEqual({ state: 'no' });
    expect(readClientHello(Buffer.from([22, 3, 1, 0xff, 0xff, 1]))).toEqual({ state: 'no' });
    const bytes = await realClientHello('a.b', ['h2']);
    fc.assert(fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ flip;
      return ['hello', 'more', 'no'].includes(readClientHello(damaged).state);
    }));
  });
});

test.each([
  ['GET / HTTP/1.1\r\n', 'http/1.1'], ['GET / HTTP/1.0\n', 'http/1.0'], ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'h2c'], ['PRI * HTTP/2.0\r\n\r\nSM', 'more'], ['', 'more'], ['GE', 'more'],
  ['GET / HTTP', 'more'], ['hello\n', 'no'], ['GET / SMTP/1.1\r\n', 'no'], ['PING', 'no'], ['\x16\x03\x01', 'no'], ['PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n', 'no'], [`GET /${'a'.repeat(9000)}`, 'http/1.1'], ['\x00\x01', 'no'],
])('%# is guessed as it should be', (text, guess) => { expect(guessHttp(Buffer.from(text, 'latin1'))).toBe(guess); });

describe('sniffing a connection', () => {
  const read = (link: ReturnType<typeof socketLink>): Promise<string> => new Promise((resolve) => {
    let text = '';
    link.read({ data: (chunk) => { text += chunk.toString('latin1'); }, end: () => { resolve(text); }, drain: () => undefined, close: () => { resolve(text); } });
  });

  test.each<[string, string, Sniffed]>([
    ['HTTP', 'GET / HTTP/1.1\r\nhost: a\r\n\r\n', { transportProtocol: 'raw_buffer', applicationProtocols: ['http/1.1'] }],
    ['another protocol', 'SSH-2.0-x\r\n', { transportProtocol: 'raw_buffer', applicationProtocols: [] }],
    ['a broken TLS record', '\x16\x03\x01\x00\x02ab', { transportProtocol: 'raw_buffer', applicationProtocols: [] }],
  ])('one byte at a time finds %s and loses nothing', async (_, text, expected) => {
    const { client, server } = await pair();
    const link = socketLink(server);
    const outcome = sniff(link, options());
    for (const byte of Buffer.from(text, 'latin1')) {
      client.write(Buffer.from([byte]));
      await new Promise((resolve) => { setImmediate(resolve); });
    }
    client.end();
    expect(await outcome).toEqual(expected);
    expect(await read(link)).toBe(text);
  });

  test('a client is not silent because the process had no time to read what it said', async () => {
    const { client, server } = await pair();
    const found = sniff(socketLink(server), options({ silenceMs: 5 }));
    client.write('GET / HTTP/1.1\r\n');
    const stalled = Date.now() + 30;
    while (Date.now() < stalled);
    expect(await found).toEqual({ transportProtocol: 'raw_buffer', applicationProtocols: ['http/1.1'] });
  });

  test('a silent client may be one that waits for the server', async () => {
    const { server } = await pair();
    expect(await sniff(socketLink(server), options({ silenceMs: 5 }))).toEqual({ transportProtocol: 'raw_buffer', applicationProtocols: [] });
    const second = await pair();
    expect(await sniff(socketLink(second.server), options({ silenceMs: 5, timeoutMs: 20, silent: () => false }))).toBe('timeout');
  });

  test('a client that goes away, or ends in the middle, is no harm', async () => {
    const first = await pair();
    const gone = sniff(socketLink(first.server), options());
    first.client.end();
    expect(await gone).toBe('closed');
    const second = await pair();
    const link = socketLink(second.server);
    const half = sniff(link, options());
    second.client.end('GET /');
    expect(await half).toEqual({ transportProtocol: 'raw_buffer', applicationProtocols: [] });
    expect(await read(link)).toBe('GET /');
  });
});
