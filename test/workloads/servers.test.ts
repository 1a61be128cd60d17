import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { standInFor } from '../../src/workloads/catalog.ts';
import { choose, milliseconds } from '../../src/workloads/fortio.ts';
import { makeCa } from '../fakes/ca.ts';
import { standIn, type Started } from './start.ts';

const started: Started[] = [];
afterEach(async () => { await Promise.all(started.splice(0).map((one) => one.stop())); });

async function begin(name: string, env: Readonly<Record<string, string>> = {}, args: readonly string[] = []): Promise<Started> {
  const one = await standIn(name, env, args);
  started.push(one);
  return one;
}

/** Sends text, half-closes, and reads all. */
function say(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = '';
    const socket = connect(port, '127.0.0.1', () => socket.end(text));
    socket.on('data', (chunk) => { heard += chunk.toString(); }).on('end', () => resolve(heard)).on('error', reject);
  });
}

const samples = join(process.env['PEER_DIR'] ?? join(import.meta.dirname, '../../../shared/peer'), 'istio-samples');

describe('the catalog', () => {
  it.each([
    ['registry.istio.io/release/examples-bookinfo-reviews-v3:1.20.3', 'bookinfo-reviews-v3'], ['docker.io/istio/examples-bookinfo-ratings-v-faulty', 'bookinfo-ratings-v-faulty'],
    ['docker.io/kennethreitz/httpbin', 'httpbin'], ['kong/httpbin:0.1', 'httpbin'], ['localhost:5000/mccutchen/go-httpbin@sha256:abc', 'go-httpbin'], ['curlimages/curl', 'curl'],
    ['gcr.io/k8s-staging-gateway-api/echo-basic:v2024', 'echo-basic'], ['registry.k8s.io/gateway-api/conformance/echo-advanced:v0.1.0', 'istio-echo'], ['gcr.io/istio-testing/app:latest', 'istio-echo'],
    ['nginx', undefined], ['example.com/app', undefined], ['evil/examples-bookinfo-mongodb', undefined], ['', undefined],
  ])('knows %s', (image, name) => expect(standInFor(image)?.name).toBe(name));

  it.skipIf(!existsSync(samples))('has a stand-in for every image of Istio’s samples but databases (skipped without the samples)', () => {
    const files = readdirSync(samples, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.yaml'));
    const images = new Set(files.flatMap((file) => [...readFileSync(join(samples, file), 'utf8').matchAll(/image:\s*(\S+)/g)].map(([, image]) => image ?? '')));
    expect(images.size).toBeGreaterThan(10);
    expect([...images].filter((image) => standInFor(image) === undefined && !/mysqldb|mongodb/.test(image))).toEqual([]);
  });

  it('names only what can be started', async () => {
    await expect(standIn('nothing')).rejects.toThrow('no stand-in');
    await expect(standIn('constructor')).rejects.toThrow('no stand-in');
    await (await standIn('curl')).stop();
  });
});

describe('helloworld', () => {
  it('says version and instance', async () => {
    const hello = await begin('helloworld-v2', { HOSTNAME: 'pod-1' });
    expect(await (await hello.get('/hello')).text()).toBe('Hello version: v2, instance: pod-1\n');
    expect((await hello.get('/health')).status).toBe(200);
  });
});

describe('tcp-echo-server', () => {
  it('echoes lines behind its prefix on all of its ports', async () => {
    const echo = await begin('tcp-echo-server', {}, ['9000,9001,9002', 'one']);
    expect(await say(echo.port(9000), 'hello\nworld\n')).toBe('one hello\none world\n');
    expect(await say(echo.port(9002), 'x\n')).toBe('one x\n');
  });
});

describe.each(['httpbin', 'go-httpbin'])('%s', (name) => {
  const value = (text: string): unknown => (name === 'httpbin' ? text : [text]);

  it('says what it was asked', async () => {
    const bin = await begin(name);
    expect(await (await bin.get('/get?a=1', { headers: { 'x-request-id': 'r' } })).json()).toMatchObject({ args: { a: value('1') }, headers: { 'X-Request-Id': value('r'), Host: value(`127.0.0.1:${bin.port()}`) }, origin: '127.0.0.1', url: `${bin.url()}/get?a=1` });
    expect(await (await bin.get('/headers')).json()).toHaveProperty('headers.Host');
    expect(await (await bin.get('/post', { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } })).json()).toMatchObject({ data: '{"a":1}', json: { a: 1 } });
    expect(await (await bin.get('/post', { method: 'POST', body: new URLSearchParams({ a: 'b' }) })).json()).toMatchObject({ form: { a: value('b') } });
    expect(await (await bin.get('/anything/x/y', { method: 'PATCH' })).json()).toMatchObject({ method: 'PATCH' });
    expect(await (await bin.get('/ip', { headers: { 'x-forwarded-for': '10.1.2.3' } })).json()).toEqual({ origin: '10.1.2.3' });
  });

  it('answers as it is told', async () => {
    const bin = await begin(name);
    expect((await bin.get('/status/503')).status).toBe(503);
    expect((await bin.get('/status/418')).status).toBe(418);
    expect((await bin.get('/status/abc')).status).toBe(400);
    expect((await bin.get('/response-headers?x-a=1&bad%0aname=2')).headers.get('x-a')).toBe('1');
    expect((await (await bin.get('/bytes/1234')).arrayBuffer()).byteLength).toBe(1234);
    expect((await (await bin.get('/stream/3')).text()).trim().split('\n')).toHaveLength(3);
    expect(await (await bin.get('/gzip')).json()).toMatchObject({ gzipped: true });
    const before = performance.now();
    expect((await bin.get('/delay/0.2')).status).toBe(200);
    expect(performance.now() - before).toBeGreaterThan(190);
    expect((await bin.get('/basic-auth/u/p')).status).toBe(401);
    expect((await bin.get('/basic-auth/u/p', { headers: { authorization: `Basic ${Buffer.from('u:p').toString('base64')}` } })).status).toBe(200);
    expect((await bin.get('/redirect/2')).headers.get('location')).toBe('/relative-redirect/1');
    const set = await bin.get('/cookies/set?a=1');
    expect([set.status, set.headers.get('set-cookie')]).toEqual([302, 'a=1; Path=/']);
    expect(JSON.stringify(await (await bin.get('/cookies', { headers: { cookie: 'a=1' } })).json())).toContain('"a":"1"');
    for (const path of ['/html', '/json', '/xml', '/image/png', '/uuid', '/user-agent', '/']) expect((await bin.get(path)).status).toBe(200);
    expect((await bin.get('/get', { method: 'POST' })).status).toBe(405);
    expect((await bin.get('/nothing')).status).toBe(404);
    expect((await bin.get('/headers', { method: 'HEAD' })).status).toBe(200);
  });

  it('logs each request on a line', async () => {
    const bin = await begin(name);
    await bin.get('/status/204');
    await expect.poll(() => bin.log.some((line) => /"GET \/status\/204 HTTP\/1\.1" 204/.test(line))).toBe(true);
  });
});

describe('echo servers', () => {
  it('answer as Gateway API’s echo-basic', async () => {
    const echo = await begin('echo-basic', { NAMESPACE: 'ns', POD_NAME: 'backend-1' });
    const answer = await echo.get('/a?b=1', { headers: { 'x-a': '1', 'x-echo-set-header': 'x-b:2' } });
    expect(answer.headers.get('x-b')).toBe('2');
    expect(await answer.json()).toMatchObject({ path: '/a?b=1', host: `127.0.0.1:${echo.port()}`, method: 'GET', proto: 'HTTP/1.1', headers: { 'X-A': ['1'] }, httpPort: '3000', namespace: 'ns', pod: 'backend-1' });
    expect((await echo.get('/status/404')).status).toBe(404);
  });

  it('answer as echo-basic over TLS, to callers with a certificate where they have to have one', async () => {
    const ca = await makeCa('echo');
    const [server, client] = [await ca.issue({ dns: ['echo.example.com'] }), await ca.issue({ dns: ['caller'] })];
    const folder = await mkdtemp(join(tmpdir(), 'weft-echo-'));
    const paths = Object.fromEntries(await Promise.all(Object.entries({ crt: server.certificate, key: server.key, ca: ca.root }).map(async ([name, text]) => { await writeFile(join(folder, name), text); return [name, join(folder, name)] as const; })));
    const ask = async (port: number, own: object): Promise<string> => new Promise((resolve) => {
      httpsRequest({ host: '127.0.0.1', port, servername: 'echo.example.com', ca: ca.root, agent: false, ...own }, (response) => { response.setEncoding('utf8').once('data', (text: string) => { resolve(text); }); }).on('error', ({ message }) => { resolve(message); }).end();
    });
    try {
      const echo = await begin('echo-basic', { TLS_SERVER_CERT: paths['crt'] ?? '', TLS_SERVER_PRIVKEY: paths['key'] ?? '', TLS_CLIENT_CACERTS: paths['ca'] ?? '' });
      const { tls } = JSON.parse(await ask(echo.port(8443), { cert: client.certificate, key: client.key })) as { readonly tls: Readonly<Record<string, unknown>> };
      expect(tls).toMatchObject({ version: 'TLSv1.3', serverName: 'echo.example.com' });
      expect((tls['peerCertificates'] as readonly string[]).map((pem) => pem.trim())).toEqual([client.certificate.trim()]);
      expect(await ask(echo.port(8443), {})).not.toContain('serverName');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('answer as Istio’s test echo, over HTTP and TCP', async () => {
    const echo = await begin('istio-echo', { HOSTNAME: 'pod' }, ['--tcp=9090', '--port=8080', '--port', '80', '--version', 'v2', '--grpc=7070']);
    const text = await (await fetch(`${echo.url(80)}/x?codes=503`, { headers: { 'x-a': '1' } })).text();
    expect(text).toContain('ServiceVersion=v2\nServicePort=80\n');
    expect(text).toContain('RequestHeader=X-A:1\n');
    expect(text).toContain('StatusCode=503\nHostname=pod\n');
    expect(await say(echo.port(9090), 'ping\n')).toMatch(/Hostname=pod\nping\n$/);
  });

  it('answer as fortio', async () => {
    const fortio = await begin('fortio');
    expect(await (await fortio.get('/echo', { method: 'POST', body: 'abc' })).text()).toBe('abc');
    expect((await fortio.get('/?status=503&size=10')).status).toBe(503);
    expect(await say(fortio.port(8078), 'x\n')).toBe('x\n');
    expect([choose('503:10,404:10', 0.05), choose('503:10,404:10', 0.15), choose('503:10', 0.5), choose('503')]).toEqual(['503', '404', '', '503']);
    expect(['1s', '150ms', '1.5m', 'x'].map(milliseconds)).toEqual([1000, 150, 90_000, 0]);
  });
});
