import { afterEach, describe, expect, it } from 'vitest';
import { any, typeUrl, type Route } from '../../../src/xds/index.ts';
import { exchange, oneResponse, startEcho, startProxy, type RawUpstream, type TestProxy, type TestProxyOptions } from '../http/proxy.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => { for (const close of closing.splice(0)) await close(); });

const ok = (body = 'ok', headers = ''): string => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n${headers}\r\n${body}`;
const failing = 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n';

async function start(route: Partial<Route>, respond: (request: string, count: number) => string = () => ok(), options: TestProxyOptions = {}): Promise<{ upstream: RawUpstream; proxy: TestProxy; call: (request?: string) => Promise<string> }> {
  const upstream = await startEcho(respond);
  const proxy = await startProxy({ clusters: { up: [upstream.port] }, routes: [{ match: { prefix: '/' }, ...(route.redirect === undefined && route.directResponse === undefined ? { route: { cluster: 'up', timeout: '0s' } } : {}), ...route }], ...options });
  closing.push(() => proxy.close(), () => upstream.close());
  const call = async (request = 'GET / HTTP/1.1\r\nHost: reviews:9080\r\n\r\n'): Promise<string> => (await exchange(proxy.port, [request], oneResponse)).answer;
  return { upstream, proxy, call };
}

const fault = (config: object): Partial<Route> => ({ typedPerFilterConfig: { 'envoy.filters.http.fault': any(typeUrl.fault, config) } });

describe('fault', () => {
  it('aborts all', async () => {
    const { call, proxy, upstream } = await start(fault({ abort: { httpStatus: 555, percentage: { numerator: 100 } } }));
    expect(await call()).toMatch(/^HTTP\/1\.1 555 [^]*\r\n\r\nfault filter abort$/);
    expect(await proxy.record()).toMatchObject({ status: 555, flags: ['FI'], details: 'fault_filter_abort' });
    expect(upstream.received).toEqual([]);
  });

  it('aborts a share, by the random number', async () => {
    const numbers = [0.2, 0.8];
    const { call } = await start(fault({ abort: { httpStatus: 500, percentage: { numerator: 500_000, denominator: 'MILLION' } } }), undefined, { random: () => numbers[0] as number });
    expect(await call()).toMatch(/^HTTP\/1\.1 500 /);
    numbers.shift();
    expect(await call()).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('delays, then goes on', async () => {
    const { call, proxy } = await start(fault({ delay: { fixedDelay: '0.150s', percentage: { numerator: 100 } } }));
    expect(await call()).toMatch(/^HTTP\/1\.1 200 /);
    const record = await proxy.record();
    expect(record.flags).toEqual(['DI']);
    expect(record.duration).toBeGreaterThanOrEqual(149);
  });

  it('goes only where its headers match, and takes a gRPC status', async () => {
    const { call } = await start(fault({ abort: { grpcStatus: 14, percentage: { numerator: 100 } }, headers: [{ name: 'end-user', stringMatch: { exact: 'jason' } }] }));
    expect(await call()).toMatch(/\r\n\r\nok$/);
    expect(await call('GET / HTTP/1.1\r\nHost: a\r\nend-user: jason\r\n\r\n')).toMatch(/grpc-status: 14\r\n/);
  });
});

describe('timeout', () => {
  it('answers 504 in time and tells the upstream its limit', async () => {
    const { call, proxy, upstream } = await start({ route: { cluster: 'up', timeout: '0.1s' } }, () => '');
    expect(await call()).toMatch(/^HTTP\/1\.1 504 [^]*\r\n\r\nupstream request timeout$/);
    expect(await proxy.record()).toMatchObject({ status: 504, flags: ['UT'], details: 'response_timeout' });
    expect(upstream.received[0]).toContain('x-envoy-expected-rq-timeout-ms: 100\r\n');
  });

  it('cuts a response that does not come to its end', async () => {
    const { proxy } = await start({ route: { cluster: 'up', timeout: '0.1s' } }, () => 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf');
    const { answer, closed } = await exchange(proxy.port, ['GET / HTTP/1.1\r\nHost: a\r\n\r\n']);
    expect(answer).toMatch(/half$/);
    expect(closed).toBe(true);
    expect((await proxy.record()).flags).toEqual(['UT']);
  });
});

describe('retry', () => {
  const retry = (policy: object, more: object = {}): Partial<Route> => ({ route: { cluster: 'up', timeout: '0s', retryPolicy: { numRetries: 2, retryBackOff: { baseInterval: '0.001s' }, ...policy }, ...more } });

  it('tries again on 5xx and counts attempts', async () => {
    const { call, proxy, upstream } = await start(retry({ retryOn: '5xx' }), (_request, count) => (count < 2 ? failing : ok()), { virtualHost: { includeRequestAttemptCount: true } });
    expect(await call()).toMatch(/\r\n\r\nok$/);
    expect(await proxy.record()).toMatchObject({ status: 200, retries: 2, flags: [] });
    expect([...upstream.received.join('').matchAll(/x-envoy-attempt-count: (\d)/g)].map(([, count]) => count)).toEqual(['1', '2', '3']);
  });

  it('gives up with URX', async () => {
    const { call, proxy } = await start(retry({ retryOn: 'gateway-error' }), () => failing);
    expect(await call()).toMatch(/^HTTP\/1\.1 503 /);
    expect(await proxy.record()).toMatchObject({ retries: 2, flags: ['URX'] });
  });

  it.each([['retriable-4xx', 409], ['retriable-status-codes', 418], ['418', 418]])('knows %s', async (retryOn, status) => {
    const { call, proxy } = await start(retry({ retryOn, retriableStatusCodes: [418] }), (_request, count) => (count === 0 ? `HTTP/1.1 ${status} X\r\ncontent-length: 0\r\n\r\n` : ok()));
    expect(await call()).toMatch(/ok$/);
    expect((await proxy.record()).retries).toBe(1);
  });

  it('sends a body again, small or chunked', async () => {
    const { call, upstream } = await start(retry({ retryOn: '5xx' }), (_request, count) => (count % 2 === 0 ? failing : ok()));
    expect(await call('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello')).toMatch(/ok$/);
    expect(await call('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nworld\r\n0\r\n\r\n')).toMatch(/ok$/);
    const all = upstream.received.join('');
    expect(all.match(/hello/g)).toHaveLength(2);
    expect(all.match(/5\r\nworld\r\n0\r\n\r\n/g)).toHaveLength(2);
  });

  it('does not send a POST twice when the connection breaks, unless the policy says so', async () => {
    const { startUpstream } = await import('../http/proxy.ts');
    let posts = 0;
    const upstream = await startUpstream((received, socket) => {
      if (received.includes('POST')) { posts++; socket.destroy(); } else if (received.endsWith('\r\n\r\n')) socket.write(ok());
    });
    const proxy = await startProxy({ clusters: { up: [upstream.port] }, routes: [{ match: { path: '/policy' }, ...retry({ retryOn: 'reset' }) } as Route, { match: { prefix: '/' }, route: { cluster: 'up', timeout: '0s' } }] });
    closing.push(() => proxy.close(), () => upstream.close());
    const send = (path: string): Promise<{ answer: string }> => exchange(proxy.port, [`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx`], oneResponse);
    await exchange(proxy.port, ['GET / HTTP/1.1\r\nHost: a\r\n\r\n'], oneResponse);
    expect((await send('/')).answer).toMatch(/^HTTP\/1\.1 503 /);
    expect(posts).toBe(1);
    expect((await send('/policy')).answer).toMatch(/^HTTP\/1\.1 503 /);
    expect(posts).toBe(4);
  });

  it('limits each try and avoids hosts that were tried', async () => {
    const dead = await startEcho(() => '');
    const good = await startEcho(() => ok('good'));
    const proxy = await startProxy({
      clusters: { up: [dead.port, good.port] }, random: () => 0.1,
      routes: [{ match: { prefix: '/' }, ...retry({ retryOn: '5xx', perTryTimeout: '0.1s', retryHostPredicate: [{ name: 'envoy.retry_host_predicates.previous_hosts' }] }) }],
    });
    closing.push(() => proxy.close(), () => dead.close(), () => good.close());
    expect((await exchange(proxy.port, ['GET / HTTP/1.1\r\nHost: a\r\n\r\n'], oneResponse)).answer).toMatch(/good$/);
    expect(await proxy.record()).toMatchObject({ status: 200, retries: 1, flags: [] });
  });
});

describe('mirror', () => {
  it('sends a copy with a shadow host and drops its answer', async () => {
    const copies = await startEcho(() => failing);
    const { call } = await start({ route: { cluster: 'up', timeout: '0s', requestMirrorPolicies: [{ cluster: 'copy', runtimeFraction: { defaultValue: { numerator: 100 } } }] } }, undefined);
    await call();
    const upstream = await startEcho(() => ok());
    const proxy = await startProxy({ clusters: { up: [upstream.port], copy: [copies.port] }, routes: [{ match: { prefix: '/' }, route: { cluster: 'up', timeout: '0s', requestMirrorPolicies: [{ cluster: 'copy' }] } }] });
    closing.push(() => proxy.close(), () => upstream.close(), () => copies.close());
    for (const request of ['POST /m HTTP/1.1\r\nHost: reviews:9080\r\nContent-Length: 2\r\n\r\nhi', 'POST /m HTTP/1.1\r\nHost: reviews\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n']) {
      expect((await exchange(proxy.port, [request], oneResponse)).answer).toMatch(/^HTTP\/1\.1 200 /);
    }
    await expect.poll(() => copies.received.join('').match(/hi/g)?.length).toBe(2);
    expect(copies.received.join('')).toContain('host: reviews-shadow:9080\r\n');
    expect(copies.received.join('')).toContain('host: reviews-shadow\r\n');
  });
});

it('redirects', async () => {
  const { call, proxy } = await start({ redirect: { hostRedirect: 'other', pathRedirect: '/new', responseCode: 'PERMANENT_REDIRECT' } });
  expect(await call('GET /old?q=1 HTTP/1.1\r\nHost: a\r\n\r\n')).toMatch(/^HTTP\/1\.1 308 [^]*location: http:\/\/other\/new\?q=1\r\n/);
  expect((await proxy.record()).details).toBe('direct_response');
});

it('answers directly', async () => {
  const { call } = await start({ directResponse: { status: 418, body: { inlineString: 'teapot' } } });
  expect(await call()).toMatch(/^HTTP\/1\.1 418 [^]*teapot$/);
});

it('rewrites path and authority and keeps the original path', async () => {
  const { call, upstream, proxy } = await start({ match: { prefix: '/v1/' }, route: { cluster: 'up', timeout: '0s', prefixRewrite: '/', hostRewriteLiteral: 'ratings' } });
  expect(await call('GET /v1/x?y HTTP/1.1\r\nHost: a\r\n\r\n')).toMatch(/ok$/);
  expect(upstream.received[0]).toMatch(/^GET \/x\?y HTTP\/1\.1\r\nhost: ratings\r\n[^]*x-envoy-original-path: \/v1\/x\?y\r\n/);
  expect((await proxy.record()).path).toBe('/v1/x?y');
});

it('changes headers at every level, most specific first', async () => {
  const add = (key: string, value: string, appendAction: 'APPEND_IF_EXISTS_OR_ADD' | 'OVERWRITE_IF_EXISTS_OR_ADD' = 'OVERWRITE_IF_EXISTS_OR_ADD') => ({ header: { key, value }, appendAction });
  const { call, upstream } = await start({
    requestHeadersToAdd: [add('X-Level', 'route'), add('x-path', '%REQ(:path)%'), add('x-list', 'b', 'APPEND_IF_EXISTS_OR_ADD'), add('x-evil', 'a\r\nInjected: 1')], requestHeadersToRemove: ['X-Gone'], responseHeadersToAdd: [add('x-out', 'yes')], responseHeadersToRemove: ['x-secret'],
  }, () => ok('ok', 'X-Secret: 1\r\n'), { virtualHost: { requestHeadersToAdd: [add('x-level', 'host')] } });
  const answer = await call('GET /p HTTP/1.1\r\nHost: a\r\nX-Gone: 1\r\nX-List: a\r\n\r\n');
  const seen = upstream.received[0] as string;
  expect(seen).toContain('x-level: host\r\n');
  expect(seen).toContain('x-path: /p\r\n');
  expect(seen).toMatch(/x-list: a\r\n[^]*x-list: b\r\n/i);
  expect(seen).not.toMatch(/x-gone|\r\nInjected/i);
  expect(answer).toContain('x-out: yes\r\n');
  expect(answer).not.toMatch(/x-secret/i);
});

it('hashes by cookie, and gives one to callers without', async () => {
  const hosts = await Promise.all([1, 2, 3].map((index) => startEcho(() => ok(`host${index}`))));
  const proxy = await startProxy({
    clusters: { up: { name: 'up', type: 'STATIC', lbPolicy: 'RING_HASH', loadAssignment: { endpoints: [{ lbEndpoints: hosts.map(({ port }) => ({ endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue: port } } } })) }] } } },
    routes: [{ match: { prefix: '/' }, route: { cluster: 'up', timeout: '0s', hashPolicy: [{ cookie: { name: 'user', ttl: '60s', path: '/' } }] } }],
  });
  closing.push(() => proxy.close(), ...hosts.map((host) => () => host.close()));
  const first = await exchange(proxy.port, ['GET / HTTP/1.1\r\nHost: a\r\n\r\n'], oneResponse);
  const cookie = /set-cookie: (user="[0-9a-f]+"); Max-Age=60; Path=\/; HttpOnly\r\n/.exec(first.answer)?.[1] ?? '';
  const host = first.answer.slice(-5);
  for (let count = 0; count < 5; count++) {
    const { answer } = await exchange(proxy.port, [`GET / HTTP/1.1\r\nHost: a\r\nCookie: a=b; ${cookie}\r\n\r\n`], oneResponse);
    expect(answer.slice(-5)).toBe(host);
    expect(answer).not.toContain('set-cookie');
  }
});
