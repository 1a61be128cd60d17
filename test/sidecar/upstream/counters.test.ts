import { connect } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import type { Cluster } from '../../../src/xds/index.ts';
import { exchange, oneResponse, startProxy, startUpstream, type TestProxy } from '../http/proxy.ts';
import { frame, headers, rawUpstream, types, uint32 } from '../http2/raw.ts';

const closing: (() => Promise<unknown> | void)[] = [];
afterEach(async () => { for (const close of closing.splice(0).reverse()) await close(); });

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const mishaps = ['upstream_cx_protocol_error', 'upstream_rq_rx_reset', 'upstream_rq_tx_reset', 'upstream_cx_destroy_remote_with_active_rq', 'upstream_cx_overflow', 'upstream_rq_pending_overflow'] as const;

async function proxyTo(port: number, http2: boolean, more: Partial<Cluster> = {}): Promise<TestProxy> {
  const up: Cluster = {
    name: 'up', type: 'STATIC', connectTimeout: '1s', ...(http2 ? { http2ProtocolOptions: {} } : {}), ...more,
    loadAssignment: { endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue: port } } } }] }] },
  };
  const proxy = await startProxy({ clusters: { up }, routes: [{ match: { path: '/soon' }, route: { cluster: 'up', timeout: '0.2s' } }, { match: { prefix: '/' }, route: { cluster: 'up', timeout: '0s' } }] });
  closing.push(() => proxy.close());
  return proxy;
}

/** What did not go well so far; only what was counted. */
const counted = (proxy: TestProxy): Readonly<Record<string, number>> => Object.fromEntries(mishaps.map((name) => [name, proxy.clusters.get('up')?.counters[name] ?? 0] as const).filter(([, value]) => value !== 0));
const call = async (proxy: TestProxy, path = '/'): Promise<string> => (await exchange(proxy.port, [get.replace('/', path)], oneResponse)).answer.slice(9, 12);

/** Asks, and leaves when the request has come to the upstream. */
async function askAndLeave(proxy: TestProxy, arrived: () => boolean): Promise<void> {
  const socket = connect(proxy.port, '127.0.0.1', () => socket.write(get));
  await vi.waitFor(() => { expect(arrived()).toBe(true); });
  socket.destroy();
}

it.each([
  ['a head that is none', 'nonsense\r\n\r\n', false, { upstream_cx_protocol_error: 1 }],
  ['a chunk that is none', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n', false, { upstream_cx_protocol_error: 1 }],
  ['no head, but an end', '', true, { upstream_cx_destroy_remote_with_active_rq: 1 }],
  ['a part of its body, then an end', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe', true, { upstream_cx_destroy_remote_with_active_rq: 1 }],
  ['all that was announced, then an end', 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok', true, {}],
  ['a body that ends with the connection', 'HTTP/1.1 200 OK\r\n\r\nok', true, {}],
] as const)('counts what an upstream of HTTP/1.1 answers: %s', async (_, answer, ends, expected) => {
  const upstream = await startUpstream((_received, socket) => { if (ends) socket.end(answer); else socket.write(answer); });
  closing.push(() => upstream.close());
  const proxy = await proxyTo(upstream.port, false);
  await exchange(proxy.port, [get], (text) => oneResponse(text) || text.endsWith('\r\n0\r\n\r\n'));
  await vi.waitFor(() => { expect(proxy.clusters.get('up')?.counters.upstream_cx_destroy).toBe(1); });
  expect(counted(proxy)).toEqual(expected);
});

const reset = (id: number, code: number): Buffer => frame(types.reset, 0, id, uint32(code));
const begun = (id: number): Buffer => headers(id, [[':status', '200']], false);

it.each([
  ['a reset', (id: number) => reset(id, 8), { upstream_rq_rx_reset: 1 }],
  ['a refusal', (id: number) => reset(id, 7), { upstream_rq_rx_reset: 1 }],
  ['a reset after its head', (id: number) => Buffer.concat([begun(id), reset(id, 2)]), { upstream_rq_rx_reset: 1 }],
  ['content before a head', (id: number) => frame(types.data, 1, id, 'early'), { upstream_cx_protocol_error: 1 }],
  ['content of no stream', () => frame(types.data, 1, 0, 'lost'), { upstream_cx_protocol_error: 1 }],
  ['an answer', (id: number) => headers(id, [[':status', '200'], ['content-length', '0']]), {}],
] as const)('counts what an upstream of HTTP/2 answers: %s', async (_, answer, expected) => {
  const upstream = await rawUpstream((id) => answer(id));
  closing.push(() => upstream.close());
  const proxy = await proxyTo(upstream.port, true);
  await exchange(proxy.port, [get], oneResponse);
  await vi.waitFor(() => { expect(counted(proxy)).toEqual(expected); }, 3000);
});

it('counts a connection of HTTP/2 that is closed under its requests once', async () => {
  const upstream = await rawUpstream((_id, count, socket) => { if (count === 1) socket.destroy(); return undefined; });
  closing.push(() => upstream.close());
  const proxy = await proxyTo(upstream.port, true);
  const post = get.replace('GET', 'POST').replace('\r\n\r\n', '\r\ncontent-length: 0\r\n\r\n');
  await Promise.all([1, 2].map(() => exchange(proxy.port, [post], oneResponse)));
  expect(counted(proxy)).toEqual({ upstream_cx_destroy_remote_with_active_rq: 1 });
});

it('a request that the upstream resets is not sent again without a policy that says so', async () => {
  const upstream = await rawUpstream((id, count) => (count === 0 ? headers(id, [[':status', '200'], ['content-length', '0']]) : reset(id, 8)));
  closing.push(() => upstream.close());
  const proxy = await proxyTo(upstream.port, true);
  expect([await call(proxy), await call(proxy)]).toEqual(['200', '503']);
  expect(upstream.seen.filter(({ type }) => type === types.headers)).toHaveLength(2);
  expect(counted(proxy)).toEqual({ upstream_rq_rx_reset: 1 });
});

it.each([false, true])('counts requests that were given up: by their callers, and after too long (HTTP/2: %s)', async (http2) => {
  const http1 = http2 ? undefined : await startUpstream(() => undefined);
  const upstream = http1 ?? await rawUpstream(() => undefined);
  closing.push(() => upstream.close());
  const proxy = await proxyTo(upstream.port, http2);
  await askAndLeave(proxy, () => proxy.clusters.get('up')?.use.requests === 1);
  await vi.waitFor(() => { expect(counted(proxy)).toEqual({ upstream_rq_tx_reset: 1 }); });
  expect(await call(proxy, '/soon')).toBe('504');
  expect(counted(proxy)).toEqual({ upstream_rq_tx_reset: 2 });
});

it('counts what is above the limits of connections and of those who wait for one', async () => {
  const upstream = await startUpstream(() => undefined);
  closing.push(() => upstream.close());
  const proxy = await proxyTo(upstream.port, false, { circuitBreakers: { thresholds: [{ maxConnections: 1, maxPendingRequests: 1 }] } });
  const ask = (): void => { const socket = connect(proxy.port, '127.0.0.1', () => socket.write(get)); closing.push(() => { socket.destroy(); }); };
  ask();
  await vi.waitFor(() => { expect(proxy.clusters.get('up')?.use.requests).toBe(1); });
  ask();
  await vi.waitFor(() => { expect(counted(proxy)).toEqual({ upstream_cx_overflow: 1 }); });
  expect(await call(proxy)).toBe('503');
  expect(counted(proxy)).toEqual({ upstream_cx_overflow: 1, upstream_rq_pending_overflow: 1 });
});
