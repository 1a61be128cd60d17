import { execFile, spawnSync } from 'node:child_process';
import { connect, constants, type ClientHttp2Session, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { promisify } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import type { Connector } from '../../../src/sidecar/runtime.ts';
import { plainConnector, startEcho, startProxy, startUpstream } from '../http/proxy.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => { for (const close of closing.splice(0)) await close(); });

interface Answer {
  readonly headers: IncomingHttpHeaders & { ':status'?: number | undefined };
  readonly trailers: IncomingHttpHeaders;
  readonly body: string;
  readonly code: number | undefined;
}

function call(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: string | Buffer): Promise<Answer> {
  return new Promise((resolve) => {
    const stream = session.request(headers, { endStream: body === undefined });
    let answer: Answer = { headers: {}, trailers: {}, body: '', code: undefined };
    stream.on('response', (got) => { answer = { ...answer, headers: got }; });
    stream.on('trailers', (trailers) => { answer = { ...answer, trailers }; });
    stream.setEncoding('latin1');
    stream.on('data', (chunk: string) => { answer = { ...answer, body: answer.body + chunk }; });
    stream.on('error', () => undefined);
    stream.on('close', () => { resolve({ ...answer, code: stream.rstCode }); });
    if (body !== undefined) stream.end(body);
  });
}

async function open(options: Parameters<typeof startProxy>[0]): Promise<{ session: ClientHttp2Session; proxy: Awaited<ReturnType<typeof startProxy>> }> {
  const proxy = await startProxy(options);
  const session = connect(`http://127.0.0.1:${proxy.port}`);
  session.on('error', () => undefined);
  closing.push(() => { session.destroy(); }, () => proxy.close());
  return { session, proxy };
}

const ok = (body: string, extra = ''): string => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n${extra}\r\n${body}`;

it('serves requests with prior knowledge and sends them on in HTTP/1.1', async () => {
  const upstream = await startEcho((request) => ok(request.split('\r\n\r\n')[1] ?? '', 'x-answer: 1\r\nconnection: x-hop\r\nx-hop: 1\r\n'));
  closing.push(() => upstream.close());
  const { session, proxy } = await open({ clusters: { up: [upstream.port] } });
  const answer = await call(session, { ':path': '/a?b=1', ':authority': 'reviews:9080', ':method': 'POST', 'x-one': '1', cookie: ['a=1', 'b=2'] as unknown as string }, 'hello');
  expect(answer.headers).toMatchObject({ ':status': 200, 'x-answer': '1', server: 'istio-envoy', 'content-length': '5' });
  expect(answer.headers['x-hop']).toBeUndefined();
  expect(answer.body).toBe('hello');
  const seen = upstream.received[0] as string;
  expect(seen).toMatch(/^POST \/a\?b=1 HTTP\/1\.1\r\nhost: reviews:9080\r\n/);
  expect(seen).toContain('cookie: a=1; b=2\r\n');
  expect(await proxy.record()).toMatchObject({ status: 200, bytesReceived: 5, bytesSent: 5, method: 'POST' });
});

it('uploads that nobody reads leave room for others on their connection', async () => {
  const upstream = await startEcho((request) => ok(request.slice(request.indexOf('\r\n\r\n') + 4)));
  closing.push(() => upstream.close());
  const stuck: Connector = { connect: (cluster, ...rest) => (cluster.name === 'stuck' ? new Promise(() => undefined) : plainConnector.connect(cluster, ...rest)) };
  const { session, proxy } = await open({
    connector: stuck, clusters: { up: [upstream.port], stuck: { name: 'stuck', type: 'STATIC', connectTimeout: '60s', loadAssignment: { endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue: 9 } } } }] }] } } },
    routes: [{ match: { path: '/stuck' }, route: { cluster: 'stuck', timeout: '0s' } }, { match: { prefix: '/' }, route: { cluster: 'up', timeout: '0s' } }],
  });
  for (let count = 0; count < 90; count++) void call(session, { ':path': '/stuck', ':method': 'POST' }, Buffer.alloc(100_000));
  await expect.poll(() => proxy.clusters.get('stuck')?.use.pending).toBe(90);
  expect((await call(session, { ':path': '/', ':method': 'POST' }, 'x'.repeat(1000))).body).toContain('x'.repeat(1000));
});

it('carries large bodies both ways within the windows', async () => {
  const size = 3_000_000;
  const upstream = await startEcho((request) => ok(request.slice(request.indexOf('\r\n\r\n') + 4)));
  closing.push(() => upstream.close());
  const { session } = await open({ clusters: { up: [upstream.port] } });
  const body = Buffer.alloc(size, 'x');
  const answers = await Promise.all([1, 2, 3].map(() => call(session, { ':path': '/', ':method': 'POST', 'content-length': String(size) }, body)));
  for (const answer of answers) expect([answer.headers[':status'], answer.body.length]).toEqual([200, size]);
});

it('serves a hundred streams at once and refuses more', async () => {
  const upstream = await startUpstream((received, socket) => { if (received.endsWith('\r\n\r\n')) setTimeout(() => socket.write(ok('late')), 200); });
  closing.push(() => upstream.close());
  const { session } = await open({ clusters: { up: [upstream.port] } });
  const answers = await Promise.all(Array.from({ length: 130 }, () => call(session, { ':path': '/' })));
  const served = answers.filter(({ headers }) => headers[':status'] === 200);
  expect(served.length).toBeGreaterThanOrEqual(100);
  for (const { headers, code } of answers) expect(headers[':status'] === 200 || code === constants.NGHTTP2_REFUSED_STREAM).toBe(true);
});

it('passes trailers of a chunked answer', async () => {
  const upstream = await startEcho(() => 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 6\r\n\r\n');
  closing.push(() => upstream.close());
  const { session } = await open({ clusters: { up: [upstream.port] } });
  expect(await call(session, { ':path': '/' })).toMatchObject({ body: 'abc', trailers: { 'x-sum': '6' } });
});

it.skipIf(spawnSync('curl', ['--version']).status !== 0)('goes on in HTTP/2 after an upgrade to h2c, as curl asks for it', async () => {
  const upstream = await startEcho((request) => ok(request.slice(0, request.indexOf(' HTTP'))));
  closing.push(() => upstream.close());
  const proxy = await startProxy({ clusters: { up: [upstream.port] } });
  closing.push(() => proxy.close());
  const url = (path: string): string => `http://127.0.0.1:${proxy.port}/${path}`;
  const { stdout } = await promisify(execFile)('curl', ['-s', '--http2', '-w', ' %{http_version} %{http_code}\n', url('first'), url('second')]);
  expect(stdout).toBe('GET /first 2 200\nGET /second 2 200\n');
  expect(upstream.received.join('')).not.toMatch(/upgrade|http2-settings/i);
});
