import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { compileCircuitBreakers } from '../../../src/features/circuit-breaking/compile.ts';
import { defaultRetry } from '../../../src/features/retry/compile.ts';
import { createConnector } from '../../../src/sidecar/tls/connector.ts';
import { TlsContexts } from '../../../src/sidecar/tls/context.ts';
import { createSecretStore } from '../../../src/sidecar/tls/secrets.ts';
import { any, typeUrl, type Cluster, type TransportSocket } from '../../../src/xds/index.ts';
import { makeCa, type FakeCa, type Leaf } from '../../fakes/ca.ts';
import { childUpstream, type ChildUpstream, type Hop, type Temper } from '../../fakes/child-upstream.ts';
import { exchange, oneResponse, startProxy, type TestProxy } from '../http/proxy.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => { for (const close of closing.splice(0).reverse()) await close(); });

const server = 'spiffe://cluster.local/ns/default/sa/server';
const options = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
let ca: FakeCa;
let id = 0;
let leaf: Leaf;
beforeAll(async () => {
  ca = await makeCa();
  leaf = await ca.workload('default', 'server');
});

const meshTls = (): TransportSocket => ({
  name: 'envoy.transport_sockets.tls',
  typedConfig: any(typeUrl.upstreamTls, {
    sni: 'outbound_.80_._.server',
    commonTlsContext: { tlsCertificateSdsSecretConfigs: [{ name: 'default' }], alpnProtocols: ['istio-peer-exchange', 'istio'], combinedValidationContext: { defaultValidationContext: { matchSubjectAltNames: [{ exact: server }] }, validationContextSdsSecretConfig: { name: 'ROOTCA' } } },
  }) as never,
});

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const post = (id: number): string => `POST / HTTP/1.1\r\nHost: a\r\nx-id: ${id}\r\ncontent-length: 4\r\n\r\nbody`;

describe.each(['HTTP/1.1', 'HTTP/2', 'HTTP/2 over mTLS'] as const)('with one healthy upstream over %s', (hop: Hop) => {
  async function upstream(temper?: Temper): Promise<ChildUpstream> {
    const child = await childUpstream(hop, temper, { key: leaf.key, certificate: leaf.certificate, root: ca.root });
    closing.push(() => { child.kill(); });
    return child;
  }

  /** `detects`: who fails is left out for a while; `patience`: of one attempt. */
  async function proxyTo(upstreams: readonly ChildUpstream[], { detects = false, patience = '0s' } = {}): Promise<TestProxy> {
    const protocol = hop === 'HTTP/2' ? { http2ProtocolOptions: {} } : { httpProtocolOptions: {} };
    const up: Cluster = {
      name: 'up', type: 'STATIC', connectTimeout: '1s', lbPolicy: 'LEAST_REQUEST', commonLbConfig: { healthyPanicThreshold: {} }, ...compileCircuitBreakers(undefined),
      ...(detects ? { outlierDetection: { consecutive5xx: 3, interval: '0.1s', baseEjectionTime: '0.5s', maxEjectionPercent: 100 } } : {}),
      loadAssignment: { endpoints: [{ lbEndpoints: upstreams.map(({ port: portValue }) => ({ endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue } } } })) }] },
      typedExtensionProtocolOptions: { [options]: { '@type': `type.googleapis.com/${options}`, explicitHttpConfig: protocol } as { '@type': string } },
      ...(hop === 'HTTP/2 over mTLS' ? { transportSocket: meshTls() } : {}),
    };
    const often = { perTryTimeout: patience, retryBackOff: { baseInterval: '0.01s' } };
    const secrets = createSecretStore();
    secrets.setOwn('default', { chain: leaf.certificate, key: leaf.key });
    secrets.setOwn('ROOTCA', { roots: ca.root });
    const proxy = await startProxy({
      clusters: { up }, connector: createConnector({ contexts: new TlsContexts(secrets), trustDomain: 'cluster.local', speaks: 'http' }),
      routes: [
        { match: { path: '/slow' }, route: { cluster: 'up', timeout: '0s' } }, { match: { path: '/large' }, route: { cluster: 'up', timeout: '0s' } },
        { match: { prefix: '/', headers: [{ name: ':method', stringMatch: { exact: 'POST' } }] }, route: { cluster: 'up', timeout: '10s', retryPolicy: { ...defaultRetry(), ...often } } },
        { match: { prefix: '/' }, route: { cluster: 'up', timeout: '10s', retryPolicy: { ...defaultRetry(), ...often, retryOn: '5xx,reset' } } },
      ],
    });
    closing.push(() => proxy.close());
    return proxy;
  }

  /** Twenty callers at a time; every fifth request is a POST, which may fail, but is sent once at most. Resolves with the share of GETs that were answered with 200. */
  async function underLoad(proxy: TestProxy, count: number, meanwhile: (at: number) => void = () => undefined): Promise<number> {
    let sent = 0;
    const gets = { sent: 0, good: 0 };
    await Promise.all(Array.from({ length: 20 }, async () => {
      while (sent < count) {
        const at = sent++;
        meanwhile(at);
        const { answer } = await exchange(proxy.port, [at % 5 === 4 ? post(id++) : get], oneResponse);
        if (at % 5 === 4) continue;
        gets.sent++;
        if (answer.startsWith('HTTP/1.1 200 ')) gets.good++;
      }
    }));
    return gets.good / gets.sent;
  }

  const underWay = async (proxy: TestProxy, count: number): Promise<void> => { await vi.waitFor(() => { expect(proxy.clusters.get('up')?.use.requests).toBe(count); }, 5000); };

  const sentOnce = (...upstreams: readonly ChildUpstream[]): void => {
    const posts = upstreams.flatMap((one) => one.posts);
    expect(posts.length).toBeGreaterThan(40);
    expect(new Set(posts).size).toBe(posts.length);
  };

  it('one that is killed costs no request, and no POST is sent twice', async () => {
    const [stays, goes] = [await upstream(), await upstream()];
    const proxy = await proxyTo([stays, goes], { detects: true });
    expect(await underLoad(proxy, 250, (at) => { if (at === 80) goes.kill(); })).toBeGreaterThanOrEqual(0.999);
    sentOnce(stays, goes);
  });

  it('one that is frozen costs time, not requests, and no POST is sent twice', { timeout: 30_000 }, async () => {
    const [stays, stops] = [await upstream(), await upstream()];
    const proxy = await proxyTo([stays, stops], { detects: true, patience: '0.5s' });
    expect(await underLoad(proxy, 250, (at) => { if (at === 80) stops.freeze(); })).toBeGreaterThanOrEqual(0.999);
    const host = proxy.clusters.get('up')?.hosts.find(({ port }) => port === stops.port);
    expect(host?.monitor?.ejections).toBeGreaterThan(0);
    // What waited in its sockets is served now, and counted.
    stops.thaw();
    await vi.waitFor(async () => { await exchange(proxy.port, [get], oneResponse); expect(host?.monitor?.ejection).toBeUndefined(); }, 5000);
    expect(await underLoad(proxy, 200)).toBeGreaterThanOrEqual(0.999);
    sentOnce(stays, stops);
  });

  it('one that breaks off and answers by turns costs no request, and no POST is sent twice', async () => {
    const [stays, flaps] = [await upstream(), await upstream('flapping')];
    const proxy = await proxyTo([stays, flaps], { detects: true });
    expect(await underLoad(proxy, 250)).toBeGreaterThanOrEqual(0.999);
    sentOnce(stays, flaps);
  });

  it('one that ends its connections all the time, with and without notice, costs no request, and no POST is sent twice', async () => {
    const [stays, churns] = [await upstream(), await upstream('churning')];
    const proxy = await proxyTo([stays, churns]);
    expect(await underLoad(proxy, 250)).toBeGreaterThanOrEqual(0.999);
    expect(proxy.clusters.get('up')?.counters.upstream_cx_destroy).toBeGreaterThan(8);
    sentOnce(stays, churns);
  });

  it('two hundred callers that send slowly leave the others alone', { timeout: 30_000 }, async () => {
    const stays = await upstream();
    const proxy = await proxyTo([stays]);
    const slow: Socket[] = Array.from({ length: 200 }, () => {
      const socket = connect({ port: proxy.port, host: '127.0.0.1' });
      socket.on('error', () => undefined);
      socket.write('POST /slow HTTP/1.1\r\nHost: a\r\ncontent-length: 1000\r\n\r\n.');
      return socket;
    });
    closing.push(() => { for (const socket of slow) socket.destroy(); });
    await underWay(proxy, 200);
    expect(await underLoad(proxy, 250)).toBe(1);
    await underWay(proxy, 200);
  });

  // Eighty fill the window of one connection, on which there is still room for other streams.
  it.each([80, 200])('%i callers that do not read what they asked for leave the others alone', { timeout: 30_000 }, async (callers) => {
    const stays = await upstream();
    const proxy = await proxyTo([stays]);
    for (const session of [0, 1].map(() => connectHttp2(`http://127.0.0.1:${proxy.port}`, { settings: { initialWindowSize: 0 } }))) {
      closing.push(() => { session.destroy(); });
      session.on('error', () => undefined);
      for (let count = 0; count < callers / 2; count++) session.request({ ':path': '/large' }).on('error', () => undefined);
    }
    await underWay(proxy, callers);
    expect(await underLoad(proxy, 250)).toBe(1);
    await underWay(proxy, callers);
  });
});
