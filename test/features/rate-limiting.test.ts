import { afterEach, describe, expect, test } from 'vitest';
import { findLimit } from '../../src/features/rate-limiting/compile.ts';
import { RateLimitDomain } from '../../src/features/rate-limiting/manifest.ts';
import { createRateLimits } from '../../src/controlplane/rate-limits.ts';
import { parseManifests } from '../../src/manifest/index.ts';
import type { HttpConnectionManager, Route } from '../../src/xds/index.ts';
import { fakeClock } from '../fakes/clock.ts';
import { exchange, oneResponse, startEcho, startProxy, type TestProxyOptions } from '../sidecar/http/proxy.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => { for (const close of closing.splice(0)) await close(); });

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const always = { defaultValue: { numerator: 100 } };
const packed = (type: string, config: object): HttpConnectionManager => ({ httpFilters: [{ name: `envoy.filters.http.${type === 'LocalRateLimit' ? 'local_ratelimit' : 'ratelimit'}`, typedConfig: { '@type': `type.googleapis.com/envoy.extensions.filters.http.${type === 'LocalRateLimit' ? 'local_ratelimit' : 'ratelimit'}.v3.${type}`, ...config } as never }] });

async function start(options: TestProxyOptions): Promise<{ readonly clock: ReturnType<typeof fakeClock>; readonly records: readonly { readonly flags: readonly string[]; readonly details: string }[]; ask(path?: string, headers?: string): Promise<string> }> {
  const clock = fakeClock();
  const upstream = await startEcho(() => ok);
  const proxy = await startProxy({ clock, clusters: { up: [upstream.port] }, ...options });
  closing.push(() => proxy.close(), () => upstream.close());
  return { clock, records: proxy.records, ask: async (path = '/', headers = '') => (await exchange(proxy.port, [`GET ${path} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`], oneResponse)).answer };
}

describe('a local limit', () => {
  const bucket = { maxTokens: 2, tokensPerFill: 1, fillInterval: '10s' };

  test('refuses with 429 when the bucket is empty, and fills at its pace', async () => {
    const { ask, clock, records } = await start({ manager: packed('LocalRateLimit', { statPrefix: 'x', tokenBucket: bucket, filterEnabled: always, filterEnforced: always, enableXRatelimitHeaders: 'DRAFT_VERSION_03', responseHeadersToAdd: [{ header: { key: 'x-local-rate-limit', value: 'true' } }] }) });
    expect(await ask()).toMatch(/^HTTP\/1\.1 200 [^]*x-ratelimit-limit: 2\r\nx-ratelimit-remaining: 1\r\nx-ratelimit-reset: 10\r\n/);
    expect(await ask()).toMatch(/^HTTP\/1\.1 200 /);
    const refused = await ask();
    expect(refused).toMatch(/^HTTP\/1\.1 429 [^]*local_rate_limited$/);
    for (const header of ['x-envoy-ratelimited: true', 'x-local-rate-limit: true', 'x-ratelimit-remaining: 0']) expect(refused).toContain(`${header}\r\n`);
    await expect.poll(() => records.length).toBe(3);
    expect(records[2]).toMatchObject({ flags: ['RL'], details: 'local_rate_limited' });
    await clock.advance(10_000);
    expect(await ask()).toMatch(/^HTTP\/1\.1 200 /);
    expect(await ask()).toMatch(/^HTTP\/1\.1 429 /);
  });

  test('only counts unless it is enforced, and does nothing unless it is enabled', async () => {
    const counting = await start({ manager: packed('LocalRateLimit', { tokenBucket: { ...bucket, maxTokens: 1 }, filterEnabled: always, requestHeadersToAddWhenNotEnforced: [{ header: { key: 'x-over', value: 'yes' } }] }) });
    for (let count = 0; count < 3; count++) expect(await counting.ask()).toMatch(/^HTTP\/1\.1 200 /);
    const off = await start({ manager: packed('LocalRateLimit', { tokenBucket: { ...bucket, maxTokens: 1 }, filterEnforced: always }) });
    for (let count = 0; count < 3; count++) expect(await off.ask()).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('of a route takes the place of the manager’s; as TypedStruct in snake case too', async () => {
    const route = (prefix: string, typedPerFilterConfig: Route['typedPerFilterConfig'] = {}): Route => ({ match: { prefix }, route: { cluster: 'up', timeout: '0s' }, typedPerFilterConfig });
    const written = { '@type': 'type.googleapis.com/udpa.type.v1.TypedStruct', type_url: 'type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit', value: { token_bucket: { max_tokens: 1, tokens_per_fill: 1, fill_interval: '60s' }, filter_enabled: { default_value: { numerator: 100, denominator: 'HUNDRED' } }, filter_enforced: { default_value: { numerator: 100, denominator: 'HUNDRED' } } } };
    const { ask } = await start({ manager: packed('LocalRateLimit', { statPrefix: 'x' }), routes: [route('/limited', { 'envoy.filters.http.local_ratelimit': written as never }), route('/')] });
    const statuses = [];
    for (const path of ['/limited', '/limited', '/', '/']) statuses.push((await ask(path)).slice(9, 12));
    expect(statuses).toEqual(['200', '429', '200', '200']);
  });

  test('for descriptors of their own', async () => {
    const { ask } = await start({
      manager: packed('LocalRateLimit', { tokenBucket: { maxTokens: 100, tokensPerFill: 100, fillInterval: '60s' }, filterEnabled: always, filterEnforced: always, descriptors: [{ entries: [{ key: 'client', value: 'bot' }], tokenBucket: { maxTokens: 1, fillInterval: '60s' } }] }),
      routes: [{ match: { prefix: '/' }, route: { cluster: 'up', timeout: '0s', rateLimits: [{ actions: [{ requestHeaders: { headerName: 'x-client', descriptorKey: 'client' } }] }] } }],
    });
    const statuses = [];
    for (const client of ['bot', 'bot', 'human', 'human']) statuses.push((await ask('/', `x-client: ${client}\r\n`)).slice(9, 12));
    expect(statuses).toEqual(['200', '429', '200', '200']);
  });
});

const configMap = `
apiVersion: v1
kind: ConfigMap
metadata: { name: ratelimit-config }
data:
  config.yaml: |
    domain: ratelimit
    descriptors:
      - key: PATH
        value: "/productpage"
        rate_limit: { unit: minute, requests_per_unit: 1 }
      - key: PATH
        rate_limit: { unit: minute, requests_per_unit: 2 }
`;

describe('the rate limit service', () => {
  test('counts by value, windows begin anew, and what nobody limits goes on', () => {
    const clock = fakeClock(1_700_000_040_000);
    const { resources } = parseManifests([{ path: 'limits.yaml', text: configMap }]);
    const service = createRateLimits(() => resources, () => clock.now());
    const ask = (key: string, value: string): boolean => service.shouldLimit({ domain: 'ratelimit', descriptors: [[[key, value]]] }).over;
    expect([ask('PATH', '/productpage'), ask('PATH', '/productpage')]).toEqual([false, true]);
    expect([ask('PATH', '/a'), ask('PATH', '/b'), ask('PATH', '/a'), ask('PATH', '/a')]).toEqual([false, false, false, true]);
    expect(ask('other', 'x')).toBe(false);
    expect(service.shouldLimit({ domain: 'unknown', descriptors: [[['PATH', '/productpage']]] })).toEqual({ over: false, limits: [] });
    clock.jump(60_000);
    expect(service.shouldLimit({ domain: 'ratelimit', descriptors: [[['PATH', '/productpage']]] })).toEqual({ over: false, limits: [{ unit: 'minute', seconds: 60, reset: 60, requests: 1, remaining: 0, name: '' }] });
  });

  test('follows a descriptor down to the most specific limit', () => {
    const rules = RateLimitDomain.parse({ domain: 'd', descriptors: [{ key: 'a', value: 'x', rate_limit: { unit: 'HOUR', requests_per_unit: 5 }, descriptors: [{ key: 'b', rate_limit: { unit: 'second', requests_per_unit: 1 } }] }, { key: 'a', value: 'pre*', rate_limit: { unit: 'day', requests_per_unit: 9 } }, { key: 'free', rate_limit: { unlimited: true } }] });
    expect(findLimit(rules, [['a', 'x']])).toMatchObject({ unit: 'hour', requests: 5 });
    expect(findLimit(rules, [['a', 'x'], ['b', 'any']])).toMatchObject({ unit: 'second' });
    expect(findLimit(rules, [['a', 'prefix']])?.counter).toBe(findLimit(rules, [['a', 'prelude']])?.counter);
    for (const entries of [[['a', 'y']], [['free', 'z']], [['a', 'x'], ['c', 'q']]] as const) expect(findLimit(rules, entries)).toBeUndefined();
  });

  const asking: TestProxyOptions = {
    manager: packed('RateLimit', { domain: 'ratelimit', timeout: '1s', failureModeDeny: true, enableXRatelimitHeaders: 'DRAFT_VERSION_03' }),
    routes: [{ match: { prefix: '/free' }, route: { cluster: 'up', timeout: '0s' } }, { match: { prefix: '/' }, route: { cluster: 'up', timeout: '0s', rateLimits: [{ actions: [{ requestHeaders: { headerName: ':path', descriptorKey: 'PATH' } }] }] } }],
  };

  test('is asked by proxies with what the route describes', async () => {
    const { resources } = parseManifests([{ path: 'limits.yaml', text: configMap }]);
    const service = createRateLimits(() => resources, () => 1_700_000_040_000);
    const { ask, records } = await start({ ...asking, rateLimits: (domain, descriptors) => Promise.resolve(service.shouldLimit({ domain, descriptors })) });
    expect(await ask('/productpage')).toMatch(/^HTTP\/1\.1 200 [^]*x-ratelimit-limit: 1, 1;w=60\r\nx-ratelimit-remaining: 0\r\n/);
    expect(await ask('/productpage')).toMatch(/^HTTP\/1\.1 429 [^]*x-envoy-ratelimited: true\r\n/);
    expect(await ask('/free')).toMatch(/^HTTP\/1\.1 200 /);
    await expect.poll(() => records.length).toBe(3);
    expect(records[1]).toMatchObject({ flags: ['RL'], details: 'request_rate_limited' });
  });

  test('that does not answer lets requests go on or not, as the filter says', async () => {
    const silent = () => Promise.resolve(undefined);
    const closed = await start({ ...asking, rateLimits: silent });
    expect(await closed.ask('/a')).toMatch(/^HTTP\/1\.1 500 /);
    const open = await start({ ...asking, manager: packed('RateLimit', { domain: 'ratelimit' }), rateLimits: silent });
    expect(await open.ask('/a')).toMatch(/^HTTP\/1\.1 200 /);
  });
});
