import { afterEach, describe, expect, test } from 'vitest';
import type { DecisionStep } from '../../src/contract/index.ts';
import { httpExternal, networkExternal, trustDomains, type AppliedPolicy, type Authorizer } from '../../src/features/authorization/compile.ts';
import { AuthorizationPolicy, GrpcAuthorizer, HttpAuthorizer } from '../../src/features/authorization/manifest.ts';
import { connectionFilters, judge } from '../../src/sidecar/tcp/access.ts';
import type { Cluster } from '../../src/xds/index.ts';
import { exchange, oneResponse, realClock, startEcho, startProxy, type RawUpstream, type TestProxy } from '../sidecar/http/proxy.ts';
import { standIn, type Started } from '../workloads/start.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => { for (const close of closing.splice(0)) await close(); });

const where = { service: 'ext-authz.foo.svc.cluster.local', port: 8000 };
const http = (settings: object = {}): Authorizer => ({ name: 'ext', kind: 'http', cluster: 'authz', host: where.service, settings: HttpAuthorizer.parse({ ...where, ...settings }) });
const grpc = (settings: object = {}): Authorizer => ({ name: 'ext', kind: 'grpc', cluster: 'authz', host: where.service, settings: GrpcAuthorizer.parse({ ...where, ...settings }) });
const rules = [{ to: [{ operation: { paths: ['/headers*'] } }] }];
const policy = (dryRun = false): AppliedPolicy => ({ name: 'c', namespace: 'foo', spec: AuthorizationPolicy.parse({ action: 'CUSTOM', provider: { name: 'ext' }, rules }), dryRun, origin: () => ({ file: 'c.yaml', line: 9, kind: 'AuthorizationPolicy', name: 'c', namespace: 'foo' }) });
const context = (authorizer: Authorizer | undefined): Parameters<typeof httpExternal>[1] => ({ trust: trustDomains('cluster.local', []), stands: undefined, authorizers: new Map(authorizer === undefined ? [] : [['ext', authorizer]]) });

const cluster = (port: number, http2: boolean): Cluster => ({
  name: 'authz', type: 'STATIC', connectTimeout: '1s', loadAssignment: { clusterName: 'authz', endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue: port } } } }] }] },
  ...(http2 ? { typedExtensionProtocolOptions: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': { '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions', explicitHttpConfig: { http2ProtocolOptions: {} } } as never } } : {}),
});

interface Asked {
  readonly proxy: TestProxy;
  readonly upstream: RawUpstream;
  call(path: string, headers?: string, body?: string): Promise<string>;
  /** What the provider's filter did with the last request. */
  step(): Promise<DecisionStep | undefined>;
}

async function start(authorizer: Authorizer | undefined, port: number, applied = policy()): Promise<Asked> {
  const upstream = await startEcho(() => 'HTTP/1.1 200 OK\r\nx-ext-authz-check-result: app\r\ncontent-length: 2\r\n\r\nok');
  const proxy = await startProxy({ clusters: { up: [upstream.port], authz: cluster(port, authorizer?.kind === 'grpc') }, manager: { httpFilters: [...httpExternal([applied], context(authorizer))] }, context: { direction: 'inbound', sourcePrincipal: 'spiffe://cluster.local/ns/foo/sa/curl' } });
  closing.push(() => proxy.close(), () => upstream.close());
  return {
    proxy, upstream,
    call: async (path, headers = '', body = '') => (await exchange(proxy.port, [`${body === '' ? 'GET' : 'POST'} ${path} HTTP/1.1\r\nHost: httpbin.foo:8000\r\n${headers}${body === '' ? '' : `content-length: ${body.length}\r\n`}\r\n${body}`], oneResponse)).answer,
    step: async () => {
      await expect.poll(() => proxy.records.length).toBeGreaterThan(0);
      return proxy.records.at(-1)?.decision.find(({ what }) => what.startsWith('envoy.filters.http.ext_authz'));
    },
  };
}

async function authorizer(args: readonly string[] = []): Promise<Started> {
  const one = await standIn('ext-authz', {}, args);
  closing.push(() => one.stop());
  return one;
}
const status = (answer: string): number => Number(answer.slice(9, 12));
const allow = 'x-ext-authz: allow\r\n';
const denial = 'denied by ext_authz for not found header `x-ext-authz: allow` in the request';

describe('a provider that is asked by HTTP', () => {
  const sample = { includeRequestHeadersInCheck: ['x-ext-*'] };
  test('decides about what the rules cover, and about nothing else', async () => {
    const provider = await authorizer();
    const { call, step, upstream, proxy } = await start(http(sample), provider.port(8000));
    expect(await call('/headers', 'x-ext-authz: deny\r\n')).toMatch(new RegExp(`^HTTP/1.1 403 [^]*x-ext-authz-check-result: denied\r\n[^]*${denial.replaceAll('`', '.')}$`));
    expect(await step()).toEqual({ stage: 'filter', what: 'envoy.filters.http.ext_authz: denied', why: 'ext: it answered 403' });
    expect(await proxy.record()).toMatchObject({ status: 403, flags: ['UAEX'], details: 'ext_authz_denied' });
    expect(upstream.received).toEqual([]);
    expect(status(await call('/headers', allow))).toBe(200);
    expect(status(await call('/ip'))).toBe(200);
    expect(provider.log.filter((line) => line.startsWith('[HTTP]'))).toHaveLength(2);
  });

  test('sees the headers that the config names, the prefix and the additional headers, and no others', async () => {
    const provider = await authorizer();
    const { call } = await start(http({ ...sample, pathPrefix: '/check', includeAdditionalHeadersInCheck: { 'x-ext-authz-additional-header-override': 'ours', 'x-more': 'more' } }), provider.port(8000));
    await call('/headers?a=b', `${allow}x-ext-authz-additional-header-override: theirs\r\ncookie: secret\r\nauthorization: Bearer t\r\n`);
    const [asked = ''] = provider.log.filter((line) => line.startsWith('[HTTP]'));
    expect(asked).toContain('GET httpbin.foo:8000/check/headers?a=b');
    expect(asked).toContain('"x-ext-authz-additional-header-override":"ours"');
    expect(asked).toContain('"x-more":"more"');
    expect(asked).toContain('"authorization":"Bearer t"');
    expect(asked).not.toContain('secret');
  });

  test('says headers to the upstream and to the caller, where the config names them', async () => {
    const provider = await authorizer();
    const { call, upstream } = await start(http({ ...sample, headersToUpstreamOnAllow: ['X-Ext-Authz-Check-*'], headersToDownstreamOnAllow: ['x-ext-authz-check-result'], headersToDownstreamOnDeny: ['x-ext-authz-check-result'] }), provider.port(8000));
    const allowed = await call('/headers', `${allow}x-ext-authz-check-result: forged\r\n`);
    expect(allowed.match(/x-ext-authz-check-result: .*/g)).toEqual(['x-ext-authz-check-result: allowed']);
    expect(upstream.received[0]?.match(/x-ext-authz-check-result: .*/g)).toEqual(['x-ext-authz-check-result: allowed']);
    expect(upstream.received[0]).toContain('x-ext-authz-check-received: GET');
    const denied = await call('/headers');
    expect(denied).toContain('x-ext-authz-check-result: denied');
    expect(denied).not.toContain('x-ext-authz-check-received');
    expect(denied).toContain(denial);
  });

  test('is sent the body up to a limit; a longer one is cut or refused', async () => {
    const provider = await authorizer();
    const whole = await start(http({ ...sample, includeRequestBodyInCheck: { maxRequestBytes: 4 } }), provider.port(8000));
    expect(status(await whole.call('/headers', allow, 'body'))).toBe(200);
    expect(provider.log.some((line) => line.includes('"x-envoy-auth-partial-body":"false"') && line.endsWith('body: [body]'))).toBe(true);
    expect(whole.upstream.received[0]).toMatch(/\r\n\r\nbody$/);
    expect(status(await whole.call('/headers', allow, 'longer'))).toBe(413);
    const cut = await start(http({ ...sample, includeRequestBodyInCheck: { maxRequestBytes: 4, allowPartialMessage: true } }), provider.port(8000));
    expect(status(await cut.call('/headers', allow, 'longer'))).toBe(200);
    expect(provider.log.some((line) => line.includes('"x-envoy-auth-partial-body":"true"') && line.endsWith('body: [long]'))).toBe(true);
    expect(cut.upstream.received[0]).toMatch(/\r\n\r\nlonger$/);
    const chunked = (await exchange(cut.proxy.port, [`POST /headers HTTP/1.1\r\nHost: a\r\n${allow}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n`, '5\r\ndefgh\r\n', '0\r\n\r\n'], oneResponse)).answer;
    expect(status(chunked)).toBe(200);
    expect(cut.upstream.received.join('')).toMatch(/abc[^]*defgh/);
  });

  test('that does not answer, or fails, keeps everybody out unless it may fail open', async () => {
    const broken = await startEcho(() => 'HTTP/1.1 500 No\r\nx-secret: 1\r\ncontent-length: 2\r\n\r\nno');
    const silent = await startEcho(() => '');
    closing.push(() => broken.close(), () => silent.close());
    const closed = await start(http(), broken.port);
    expect(await closed.call('/headers')).toMatch(/^HTTP\/1\.1 403 (?![^]*x-secret)[^]*\r\n\r\n$/);
    expect(await closed.proxy.record()).toMatchObject({ flags: ['UAEX'], details: 'ext_authz_error' });
    expect(await closed.step()).toMatchObject({ what: 'envoy.filters.http.ext_authz: refused', why: 'ext: it answered 500' });
    expect(status(await (await start(http({ statusOnError: '503' }), 1)).call('/headers'))).toBe(503);
    expect(status(await (await start(http({ timeout: '50ms' }), silent.port)).call('/headers'))).toBe(403);
    const open = await start(http({ failOpen: true }), broken.port);
    expect(status(await open.call('/headers'))).toBe(200);
    expect(await open.step()).toMatchObject({ what: 'envoy.filters.http.ext_authz: let pass' });
  });
});

describe('a provider that is asked by gRPC', () => {
  test('is told who calls whom and what for, and decides', async () => {
    const provider = await authorizer();
    const { call, step, upstream } = await start(grpc(), provider.port(9000));
    const denied = await call('/headers?x=1', 'x-ext-authz: deny\r\nx-twice: a\r\nx-twice: b\r\n');
    expect(denied).toMatch(/^HTTP\/1\.1 403 /);
    expect(denied).toContain(denial);
    expect(await step()).toMatchObject({ what: 'envoy.filters.http.ext_authz: denied', why: 'ext: it answered gRPC status 7' });
    const [asked = ''] = provider.log.filter((line) => line.startsWith('[gRPCv3]'));
    expect(asked).toContain('[gRPCv3][denied ]: httpbin.foo:8000/headers?x=1');
    expect(JSON.parse(asked.slice(asked.indexOf('attributes: ') + 12))).toMatchObject({
      source: { address: { socketAddress: { address: '127.0.0.1' } }, principal: 'spiffe://cluster.local/ns/foo/sa/curl' },
      destination: { address: { socketAddress: { address: '10.0.0.1', portValue: 80 } }, principal: 'spiffe://cluster.local/ns/default/sa/test' },
      request: { http: { method: 'GET', path: '/headers?x=1', host: 'httpbin.foo:8000', scheme: 'http', protocol: 'HTTP/1.1', headers: { ':authority': 'httpbin.foo:8000', 'x-ext-authz': 'deny', 'x-twice': 'a,b' } } },
    });
    expect(await call('/headers', allow)).toMatch(/^HTTP\/1\.1 200 /);
    expect(upstream.received[0]).toContain('x-ext-authz-check-result: allowed');
    expect(upstream.received[0]).toContain('x-ext-authz-additional-header-override: grpc-additional-header-override-value');
    expect(status(await call('/ip'))).toBe(200);
  });

  test('may know the caller by its identity, and be sent the body', async () => {
    const provider = await authorizer(['-allow_service_accounts=curl']);
    const { call } = await start(grpc({ includeRequestBodyInCheck: { maxRequestBytes: 100, packAsBytes: true } }), provider.port(9000));
    expect(status(await call('/headers', '', 'hello'))).toBe(200);
    expect(provider.log.some((line) => line.includes(`"rawBody":"${Buffer.from('hello').toString('base64')}"`))).toBe(true);
  });

  test('that is gone keeps everybody out', async () => {
    const { call, proxy } = await start(grpc(), 1);
    expect(status(await call('/headers'))).toBe(403);
    expect(await proxy.record()).toMatchObject({ details: 'ext_authz_error' });
  });
});

describe('what cannot be asked', () => {
  test('a provider that the mesh does not have: what the policy covers is denied, by a rule that says so', async () => {
    const { call, proxy } = await start(undefined, 1);
    expect(status(await call('/headers'))).toBe(403);
    const record = await proxy.record();
    expect(record.details).toBe('rbac_access_denied_matched_policy[ns[foo]-policy[c]-rule[0]-deny-due-to-bad-CUSTOM-action]');
    expect(record.decision.find(({ what }) => what.includes('denied'))?.why).toBe('foo/c rule 1 matches, and its provider cannot be asked');
    expect(status(await call('/ip'))).toBe(200);
  });

  test('a dry run asks nobody and says that it would', async () => {
    const { call, proxy } = await start(http(), 1, policy(true));
    expect(status(await call('/headers'))).toBe(200);
    expect((await proxy.record()).decision.find(({ what }) => what.includes('dry run'))?.what).toBe('envoy.filters.http.rbac: dry run, its provider would be asked');
  });

  test('connections: gRPC providers are asked, HTTP providers cannot be, so that all is refused', async () => {
    const asked: string[] = [];
    const verdict = async (authorizer: Authorizer, answers: 'nothing'): Promise<string> => {
      const chain = { filters: [...networkExternal([policy()], context(authorizer))] };
      const filters = connectionFilters(chain, {}, { clock: realClock, self: 'spiffe://me', call: (cluster, { path }) => { asked.push(`${cluster} ${path}`); return Promise.resolve({ unanswered: answers }); } });
      return (await judge(filters, { sourceIp: '10.0.0.1', sourcePort: 1, principal: '', destinationIp: '10.0.0.2', destinationPort: 9000, serverName: '' })).denied;
    };
    expect(await verdict(grpc(), 'nothing')).toBe('ext_authz_error');
    expect(await verdict(grpc({ failOpen: true }), 'nothing')).toBe('');
    expect(asked).toEqual(Array(2).fill('authz /envoy.service.auth.v3.Authorization/Check'));
    expect(await verdict(http(), 'nothing')).toContain('bad-CUSTOM-action');
    expect(asked).toHaveLength(2);
  });
});
