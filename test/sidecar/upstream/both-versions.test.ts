import { createServer as createHttp1Server, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { compileCircuitBreakers } from '../../../src/features/circuit-breaking/compile.ts';
import { defaultRetry } from '../../../src/features/retry/compile.ts';
import type { Cluster, RetryPolicy } from '../../../src/xds/index.ts';
import { exchange, oneResponse, startProxy, type TestProxy } from '../http/proxy.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => { for (const close of closing.splice(0).reverse()) await close(); });

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const options = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
type Serve = (request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse) => void;

/** With a length, which callers of HTTP/1.1 read it by. */
function reply(response: ServerResponse | Http2ServerResponse): void {
  response.setHeader('content-length', 2);
  response.end('ok');
}

interface Upstream {
  readonly port: number;
  readonly sockets: Set<Socket>;
  kill(): void;
}

describe.each(['HTTP/1.1', 'HTTP/2'] as const)('over %s', (version) => {
  async function upstream(serve: Serve): Promise<Upstream> {
    const server = (version === 'HTTP/2' ? createHttp2Server({}, serve) : createHttp1Server(serve)) as unknown as Server;
    const sockets = new Set<Socket>();
    server.on('connection', (socket: Socket) => { sockets.add(socket); socket.on('close', () => sockets.delete(socket)); socket.on('error', () => undefined); });
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    const kill = (): void => { for (const socket of sockets) socket.destroy(); server.close(); };
    closing.push(kill);
    return { port: (server.address() as AddressInfo).port, sockets, kill };
  }

  async function proxyTo(ports: readonly number[], more: Partial<Cluster> = {}, retryPolicy: RetryPolicy = { retryOn: '' }, idleTimeout?: string): Promise<TestProxy> {
    const protocol = version === 'HTTP/2' ? { http2ProtocolOptions: {} } : { httpProtocolOptions: {} };
    const up: Cluster = {
      name: 'up', type: 'STATIC', connectTimeout: '1s', lbPolicy: 'LEAST_REQUEST', loadAssignment: { endpoints: [{ lbEndpoints: ports.map((portValue) => ({ endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue } } } })) }] },
      typedExtensionProtocolOptions: { [options]: { '@type': `type.googleapis.com/${options}`, explicitHttpConfig: protocol, ...(idleTimeout === undefined ? {} : { commonHttpProtocolOptions: { idleTimeout } }) } as { '@type': string } }, ...more,
    };
    const proxy = await startProxy({ clusters: { up }, routes: [{ match: { prefix: '/' }, route: { cluster: 'up', timeout: '5s', retryPolicy } }] });
    closing.push(() => proxy.close());
    return proxy;
  }

  const call = async (proxy: TestProxy, request = get): Promise<number> => Number((await exchange(proxy.port, [request], oneResponse)).answer.slice(9, 12));
  const counters = (proxy: TestProxy): Readonly<Record<string, number>> => ({ ...proxy.clusters.get('up')?.counters, ...proxy.clusters.get('up')?.gauges() });

  it('requests and connections are counted alike', async () => {
    const held: (() => void)[] = [];
    const { port } = await upstream((_request, response) => { held.push(() => { reply(response); }); });
    const proxy = await proxyTo([port]);
    const answers = [call(proxy), call(proxy)];
    await vi.waitFor(() => { expect(held).toHaveLength(2); });
    expect(counters(proxy)).toMatchObject({ upstream_rq_active: 2, upstream_rq_total: 2, upstream_rq_pending_active: 0, upstream_rq_completed: 0 });
    for (const answer of held.splice(0)) answer();
    expect(await Promise.all(answers)).toEqual([200, 200]);
    expect(counters(proxy)).toMatchObject({ upstream_rq_active: 0, upstream_rq_completed: 2, upstream_rq_2xx: 2, upstream_rq_pending_overflow: 0, upstream_cx_destroy: 0 });
    expect(counters(proxy)['upstream_cx_active']).toBe(counters(proxy)['upstream_cx_total']);
  });

  it('what is above the limit of requests overflows', async () => {
    const { port } = await upstream((_request, response) => { void response; });
    const proxy = await proxyTo([port], { circuitBreakers: { thresholds: [{ maxRequests: 1 }] } });
    const first = connect(proxy.port, '127.0.0.1', () => first.write(get));
    closing.push(() => { first.destroy(); });
    await vi.waitFor(() => { expect(counters(proxy)['upstream_rq_active']).toBe(1); });
    expect(await call(proxy)).toBe(503);
    expect(counters(proxy)).toMatchObject({ upstream_rq_active: 1, upstream_rq_pending_overflow: 1, upstream_rq_total: 1 });
  });

  it('who waits for a connection that fails is counted as such', async () => {
    const gone = await upstream(() => undefined);
    gone.kill();
    const proxy = await proxyTo([gone.port]);
    expect(await call(proxy)).toBe(503);
    expect(counters(proxy)).toMatchObject({ upstream_cx_total: 1, upstream_cx_connect_fail: 1, upstream_cx_active: 0, upstream_rq_pending_total: 1, upstream_rq_pending_active: 0, upstream_rq_pending_failure_eject: 1, upstream_rq_total: 0 });
  });

  it('a connection that nobody uses ends, and is counted', async () => {
    const { port } = await upstream((_request, response) => { reply(response); });
    const proxy = await proxyTo([port], {}, { retryOn: '' }, '0.2s');
    expect(await call(proxy)).toBe(200);
    await vi.waitFor(() => { expect(counters(proxy)).toMatchObject({ upstream_cx_idle_timeout: 1, upstream_cx_destroy: 1, upstream_cx_active: 0 }); }, 5000);
  });

  it('with one healthy host, one that is killed and one that breaks off cost no request', async () => {
    let count = 0;
    const healthy = await upstream((_request, response) => { reply(response); });
    const killed = await upstream((_request, response) => { reply(response); });
    const flapping = await upstream((request, response) => { if (count++ % 40 < 20) request.socket.destroy(); else reply(response); });
    const outlierDetection = { consecutive5xx: 3, interval: '0.1s', baseEjectionTime: '0.5s', maxEjectionPercent: 100 };
    const proxy = await proxyTo([healthy.port, killed.port, flapping.port], { ...compileCircuitBreakers(undefined), commonLbConfig: { healthyPanicThreshold: {} }, outlierDetection }, { ...defaultRetry(), retryOn: `${defaultRetry().retryOn},reset`, numRetries: 5 });
    let sent = 0;
    let good = 0;
    await Promise.all(Array.from({ length: 20 }, async () => {
      while (sent < 600) {
        if (sent++ === 200) killed.kill();
        if (await call(proxy) === 200) good++;
      }
    }));
    expect(good / sent).toBeGreaterThanOrEqual(0.999);
  });

  it('a POST whose body was sent, in part or whole, is never sent twice', async () => {
    const seen: string[] = [];
    const serve: Serve = (request) => {
      seen.push(String(request.headers['x-id']));
      request.once('data', () => { request.socket.destroy(); });
      request.on('error', () => undefined);
    };
    const proxy = await proxyTo([(await upstream(serve)).port, (await upstream(serve)).port], {}, defaultRetry());
    for (const [id, length] of [[1, 4], [2, 4000]] as const) expect(await call(proxy, `POST / HTTP/1.1\r\nHost: a\r\nx-id: ${id}\r\ncontent-length: ${length}\r\n\r\nbody`)).toBe(503);
    expect(seen).toEqual(['1', '2']);
  });
});
