import { connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { fakeClock } from '../../fakes/clock.ts';
import { frame, headers, post, preface, say, types } from '../http2/raw.ts';
import { exchange, oneResponse, startEcho, startProxy, startUpstream, type TestProxy } from './proxy.ts';

const closing: (() => Promise<unknown> | void)[] = [];
afterEach(async () => { for (const close of closing.splice(0).reverse()) await close(); });

const prefix = 'inbound_0.0.0.0_9080;';
const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

async function proxyTo(port: number): Promise<TestProxy> {
  const proxy = await startProxy({ clusters: { up: [port] }, manager: { statPrefix: prefix, requestHeadersTimeout: '0.1s' } });
  closing.push(() => proxy.close());
  return proxy;
}

async function echo(): Promise<TestProxy> {
  const upstream = await startEcho(() => 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  closing.push(() => upstream.close());
  return await proxyTo(upstream.port);
}

/** What was counted so far. */
const counted = (proxy: TestProxy): Readonly<Record<string, number>> => Object.fromEntries(Object.entries(proxy.downstream.get(prefix) ?? {}).filter(([, value]) => value !== 0));

it('counts connections by version, and requests', async () => {
  const proxy = await echo();
  await exchange(proxy.port, [get, get], (answer) => answer.split('ok').length === 3);
  const session = connectHttp2(`http://127.0.0.1:${proxy.port}`);
  closing.push(() => { session.destroy(); });
  await new Promise((resolve) => { session.request({ ':path': '/' }).resume().on('close', resolve); });
  expect(counted(proxy)).toEqual({ downstream_cx_total: 2, downstream_cx_http1_total: 1, downstream_cx_http2_total: 1, downstream_rq_total: 3 });
});

it('counts callers who break the protocol, in both versions', async () => {
  const proxy = await echo();
  expect((await exchange(proxy.port, ['nonsense\r\n\r\n'], oneResponse)).answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(counted(proxy)).toEqual({ downstream_cx_total: 1, downstream_cx_http1_total: 1, downstream_cx_protocol_error: 1 });
  await say(proxy.port, [Buffer.concat([preface, frame(types.settings, 0, 0), frame(types.data, 1, 0, 'lost')])], () => false);
  await vi.waitFor(() => { expect(counted(proxy)).toMatchObject({ downstream_cx_http2_total: 1, downstream_cx_protocol_error: 2 }); }, 3000);
  // The body is longer than it was said to be.
  await say(proxy.port, [Buffer.concat([preface, frame(types.settings, 0, 0), headers(1, [...post, ['content-length', '1']], false), frame(types.data, 1, 1, 'long')])], (frames) => frames.some(({ type }) => type === types.reset));
  await vi.waitFor(() => { expect(counted(proxy)).toMatchObject({ downstream_cx_protocol_error: 3 }); });
});

it('counts heads that do not come in time apart', async () => {
  const proxy = await echo();
  expect((await exchange(proxy.port, ['GET / HTTP/1.1\r\nX-Slow: '], oneResponse)).answer).toMatch(/^HTTP\/1\.1 408 /);
  expect(counted(proxy)).toEqual({ downstream_cx_total: 1, downstream_cx_http1_total: 1, downstream_rq_header_timeout: 1 });
});

it('counts callers who stop in the middle of a body', async () => {
  const upstream = await startUpstream(() => undefined);
  closing.push(() => upstream.close());
  const clock = fakeClock();
  const proxy = await startProxy({ clock, clusters: { up: [upstream.port] }, manager: { statPrefix: prefix } });
  closing.push(() => proxy.close());
  const answered = exchange(proxy.port, ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe'], oneResponse);
  await vi.waitFor(() => { expect(upstream.received[0]).toMatch(/he$/); });
  await clock.advance(30_000);
  expect((await answered).answer).toMatch(/^HTTP\/1\.1 408 /);
  expect(counted(proxy)).toEqual({ downstream_cx_total: 1, downstream_cx_http1_total: 1, downstream_rq_total: 1, downstream_rq_idle_timeout: 1 });
});

it('counts connections that are told to end, once', async () => {
  const proxy = await echo();
  const socket = connect(proxy.port, '127.0.0.1', () => socket.write(get));
  closing.push(() => { socket.destroy(); });
  await proxy.record();
  proxy.drain();
  proxy.drain();
  expect(counted(proxy)).toEqual({ downstream_cx_total: 1, downstream_cx_http1_total: 1, downstream_rq_total: 1, downstream_cx_drain_close: 1 });
});

it('counts requests that their callers leave or reset', async () => {
  const upstream = await startUpstream(() => undefined);
  closing.push(() => upstream.close());
  const proxy = await proxyTo(upstream.port);
  const socket = connect(proxy.port, '127.0.0.1', () => socket.write(get));
  await vi.waitFor(() => { expect(proxy.clusters.get('up')?.use.requests).toBe(1); });
  socket.destroy();
  await vi.waitFor(() => { expect(counted(proxy)).toMatchObject({ downstream_rq_rx_reset: 1 }); });
  const session = connectHttp2(`http://127.0.0.1:${proxy.port}`);
  closing.push(() => { session.destroy(); });
  const stream = session.request({ ':path': '/' }).on('error', () => undefined);
  await vi.waitFor(() => { expect(proxy.clusters.get('up')?.use.requests).toBe(1); });
  stream.close(constants.NGHTTP2_CANCEL);
  await vi.waitFor(() => { expect(counted(proxy)).toMatchObject({ downstream_rq_rx_reset: 2, downstream_rq_total: 2 }); });
});

it('counts answers that broke off because the upstream did', async () => {
  const upstream = await startUpstream((_received, socket) => { socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe'); });
  closing.push(() => upstream.close());
  const proxy = await proxyTo(upstream.port);
  await exchange(proxy.port, [get]);
  expect(counted(proxy)).toEqual({ downstream_cx_total: 1, downstream_cx_http1_total: 1, downstream_rq_total: 1, downstream_rq_tx_reset: 1 });
});
