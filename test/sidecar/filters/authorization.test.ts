import { afterEach, describe, expect, it } from 'vitest';
import { httpAccess, trustDomains, type AppliedPolicy } from '../../../src/features/authorization/compile.ts';
import { AuthorizationPolicy } from '../../../src/features/authorization/manifest.ts';
import type { HttpConnectionManager, Origin } from '../../../src/xds/index.ts';
import { checkListener } from '../../../src/sidecar/config/validate.ts';
import { exchange, oneResponse, startEcho, startProxy, type RawUpstream, type TestProxy, type TestProxyOptions } from '../http/proxy.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => { for (const close of closing.splice(0)) await close(); });

const origin = (line: number): Origin => ({ file: 'policy.yaml', line, kind: 'AuthorizationPolicy', name: 'admin', namespace: 'foo' });
const policy = (spec: unknown): AppliedPolicy => ({ name: 'admin', namespace: 'foo', spec: AuthorizationPolicy.parse(spec), dryRun: false, origin: (rule) => origin(rule + 8) });
const denyAdmin = { action: 'DENY', rules: [{ to: [{ operation: { paths: ['/admin*'] } }] }] };

async function start(spec: unknown, manager: HttpConnectionManager = {}, context: TestProxyOptions['context'] = {}): Promise<{ upstream: RawUpstream; proxy: TestProxy; call: (text: string) => Promise<string> }> {
  const upstream = await startEcho(() => 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  const proxy = await startProxy({
    clusters: { up: [upstream.port] },
    manager: { httpFilters: [...httpAccess([policy(spec)], { trust: trustDomains('cluster.local', []), stands: undefined })], normalizePath: true, mergeSlashes: true, pathWithEscapedSlashesAction: 'UNESCAPE_AND_FORWARD', ...manager },
    context: { direction: 'inbound', rules: { 'ns[foo]-policy[admin]-rule[0]': origin(8) }, ...context },
  });
  closing.push(() => proxy.close(), () => upstream.close());
  return { upstream, proxy, call: async (text) => (await exchange(proxy.port, [text], oneResponse)).answer };
}

const get = (path: string, headers = ''): string => `GET ${path} HTTP/1.1\r\nHost: app\r\n${headers}\r\n`;
const status = (answer: string): number => Number(answer.slice(9, 12));

describe('the authorization filter', () => {
  it('answers 403 and says why in the record, with the line', async () => {
    const { call, proxy, upstream } = await start(denyAdmin);
    expect(await call(get('/admin/users'))).toMatch(/^HTTP\/1\.1 403 [^]*content-type: text\/plain\r\n[^]*\r\n\r\nRBAC: access denied$/);
    const record = await proxy.record();
    expect(record).toMatchObject({ status: 403, flags: [], details: 'rbac_access_denied_matched_policy[ns[foo]-policy[admin]-rule[0]]' });
    expect(record.decision).toContainEqual({ stage: 'filter', what: 'envoy.filters.http.rbac: denied', why: 'foo/admin rule 1 matches', origin: origin(8) });
    expect(upstream.received).toEqual([]);
    expect(status(await call(get('/public')))).toBe(200);
  });

  it('comes before the routes, so that nobody can ask which there are', async () => {
    const { call } = await start({}, { rds: { routeConfigName: 'none' } });
    expect(status(await call(get('/')))).toBe(403);
  });

  it.each(['/public/../admin', '/./admin', '//admin', '/%2fadmin', '/public%2f..%2fadmin', '/%5cadmin', '/%61dmin', '/%2e%2e/admin', '/admin?x', '/admin#x', '/public#/../admin', '\\admin'])('is not got around with %s', async (path) => {
    const { call, upstream } = await start(denyAdmin);
    expect(status(await call(get(path)))).toBe(403);
    expect(upstream.received).toEqual([]);
  });

  it.each(['/%2561dmin', '/%c0%afadmin'])('never decodes %s twice', async (path) => {
    const { call, upstream } = await start(denyAdmin);
    expect(status(await call(get(path)))).toBe(200);
    expect(upstream.received[0]).toMatch(new RegExp(`^GET ${path} HTTP`));
  });

  it.each(['/admin%00', '/a%0d%0ab'])('refuses %s', async (path) => {
    const { call } = await start(denyAdmin);
    expect(status(await call(get(path)))).toBe(400);
  });

  it('judges pipelined requests each by itself', async () => {
    const { proxy } = await start(denyAdmin);
    const { answer } = await exchange(proxy.port, [get('/public') + get('/admin', 'Connection: close\r\n')], (text) => (text.match(/HTTP\/1\.1/g) ?? []).length === 2 && text.endsWith('denied'));
    expect([...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, code]) => code)).toEqual(['200', '403']);
  });

  it('looks at the verified identity, not at what the caller says', async () => {
    const rules = { rules: [{ from: [{ source: { principals: ['cluster.local/ns/foo/sa/a'] } }] }] };
    const uri = 'spiffe://cluster.local/ns/foo/sa/a';
    const plain = await start(rules, {}, { edge: true });
    expect(status(await plain.call(get('/', `x-forwarded-client-cert: URI=${uri}\r\n`)))).toBe(403);
    const mtls = await start(rules, {}, { sourcePrincipal: uri });
    expect(status(await mtls.call(get('/')))).toBe(200);
  });

  it('believes x-forwarded-for as far as proxies are trusted', async () => {
    const rules = { rules: [{ from: [{ source: { remoteIpBlocks: ['203.0.113.0/24'] } }] }] };
    const header = 'x-forwarded-for: 203.0.113.7, 198.51.100.1\r\n';
    const codes = async (manager: HttpConnectionManager, context: TestProxyOptions['context'], text = header): Promise<number> => status(await (await start(rules, manager, context)).call(get('/', text)));
    expect(await codes({ useRemoteAddress: true }, { edge: true })).toBe(403);
    expect(await codes({ useRemoteAddress: true, xffNumTrustedHops: 2 }, { edge: true })).toBe(200);
    expect(await codes({}, { edge: false, sourcePrincipal: 'spiffe://x/ns/a/sa/b' }, 'x-forwarded-for: 198.51.100.1,203.0.113.7\r\n')).toBe(200);
    expect(await codes({}, { edge: true }, 'x-forwarded-for: 203.0.113.7\r\n')).toBe(403);
  });
});

it('a config that cannot be judged is refused whole', () => {
  const listener = (typedConfig: object, name = 'envoy.filters.http.rbac'): Parameters<typeof checkListener>[0] => ({
    name: 'l', filterChains: [{ filters: [{ name: 'hcm', typedConfig: { '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', httpFilters: [{ name, typedConfig: typedConfig as never }] } as never }] }],
  });
  const rbac = (policies: object): object => ({ '@type': 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC', rules: { action: 'ALLOW', policies } });
  expect(() => { checkListener(listener(rbac({ a: { permissions: [{ any: true }], principals: [{ any: true }] } }))); }).not.toThrow();
  expect(() => { checkListener(listener(rbac({ a: { permissions: [{ sourcedMetadata: {} }], principals: [{ any: true }] } }))); }).toThrow(/not known/);
  expect(() => { checkListener(listener(rbac({ a: { permissions: [], principals: [{ any: true }] } }))); }).toThrow(/empty/);
  expect(() => { checkListener(listener({ '@type': 'x/other' }, 'envoy.filters.http.ext_authz')); }).toThrow(/not known/);
});
