import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { createHmac } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { httpAccess, trustDomains } from '../../src/features/authorization/compile.ts';
import { AuthorizationPolicy } from '../../src/features/authorization/manifest.ts';
import { tokenFilter } from '../../src/features/jwt/compile.ts';
import { RequestAuthentication } from '../../src/features/jwt/manifest.ts';
import { routeMatch } from '../../src/features/routing/compile.ts';
import { HTTPMatchRequest } from '../../src/features/routing/manifest.ts';
import type { Origin, Route } from '../../src/xds/index.ts';
import { checkListener } from '../../src/sidecar/config/validate.ts';
import { exchange, oneResponse, startEcho, startProxy, type RawUpstream, type TestProxy } from '../sidecar/http/proxy.ts';

type Key = Awaited<ReturnType<typeof generateKeyPair>>;
const issuer = 'https://issuer.example.com';
let rsa: Key;
let stranger: Key;
let elliptic: Key;
let jwks: string;

beforeAll(async () => {
  [rsa, stranger, elliptic] = await Promise.all([generateKeyPair('RS256', { extractable: true }), generateKeyPair('RS256', { extractable: true }), generateKeyPair('ES256', { extractable: true })]);
  jwks = JSON.stringify({ keys: [{ ...(await exportJWK(rsa.publicKey)), kid: 'one', use: 'sig' }, { ...(await exportJWK(elliptic.publicKey)), kid: 'two' }] });
});

const closing: (() => Promise<void>)[] = [];
afterEach(async () => { for (const close of closing.splice(0)) await close(); });

const now = (): number => Math.floor(Date.now() / 1000);
const origin: Origin = { file: 'token.yaml', line: 7, kind: 'RequestAuthentication', name: 'ra', namespace: 'foo' };

function sign(claims: JWTPayload = {}, header: Record<string, unknown> = {}, key: Key = rsa): Promise<string> {
  return new SignJWT({ iss: issuer, sub: 'ann', exp: now() + 300, ...claims }).setProtectedHeader({ alg: 'RS256', kid: 'one', ...header }).sign(key.privateKey);
}
const part = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

interface Made { readonly upstream: RawUpstream; readonly proxy: TestProxy; call(headers?: string, path?: string): Promise<{ status: number; answer: string; seen: string }> }

/** A sidecar that verifies tokens by these rules, then judges by these policies, in front of an echo. */
async function start(rules: readonly unknown[], policies: readonly unknown[] = [], routes?: readonly Route[]): Promise<Made> {
  const upstream = await startEcho(() => 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  const tokens = tokenFilter([{ spec: RequestAuthentication.parse({ jwtRules: rules }), origin: () => origin }], new Map());
  const applied = policies.map((spec) => ({ name: 'p', namespace: 'foo', spec: AuthorizationPolicy.parse(spec), dryRun: false, origin: () => origin }));
  const proxy = await startProxy({
    clusters: { up: [upstream.port] },
    manager: { httpFilters: [...tokens.filters, ...httpAccess(applied, { trust: trustDomains('cluster.local', []), stands: undefined })] },
    ...(routes === undefined ? {} : { routes }),
    context: { direction: 'inbound', rules: tokens.origins },
  });
  closing.push(() => proxy.close(), () => upstream.close());
  return {
    upstream, proxy,
    async call(headers = '', path = '/') {
      const { answer } = await exchange(proxy.port, [`GET ${path} HTTP/1.1\r\nHost: app\r\n${headers}\r\n`], oneResponse);
      const all = upstream.received.join('');
      return { status: Number(answer.slice(9, 12)), answer, seen: all.slice(all.lastIndexOf('GET ')) };
    },
  };
}
const bearer = (token: string): string => `Authorization: Bearer ${token}\r\n`;
const rule = (more: object = {}): object => ({ issuer, jwks, ...more });

describe('a token', () => {
  test('is not needed, and a good one passes and is taken out', async () => {
    const { call, proxy } = await start([rule()]);
    expect((await call()).status).toBe(200);
    const { status, seen } = await call(bearer(await sign()));
    expect([status, /authorization/i.test(seen)]).toEqual([200, false]);
    const record = await proxy.record(({ decision }) => decision.some(({ what }) => what.endsWith('verified')));
    expect(record.decision).toContainEqual({ stage: 'filter', what: 'envoy.filters.http.jwt_authn: verified', why: `the token of ${issuer} is good`, origin });
  });

  test('can be required', async () => {
    const { call } = await start([rule({ presence: 'REQUIRED' })]);
    const { status, answer } = await call();
    expect(status).toBe(401);
    expect(answer).toMatch(/www-authenticate: Bearer realm="http:\/\/app\/"\r\n[^]*Jwt is missing$/);
    expect((await call(bearer(await sign()))).status).toBe(200);
  });

  type Attack = readonly [name: string, token: () => Promise<string> | string, message: string];
  test.each<Attack>([
    ['alg none', async () => `${part({ alg: 'none' })}.${(await sign()).split('.')[1] ?? ''}.`, 'Jwt header [alg] is not supported'],
    ['HS256 by the public key', async () => {
      const text = `${part({ alg: 'HS256', kid: 'one' })}.${(await sign()).split('.')[1] ?? ''}`;
      return `${text}.${createHmac('sha256', await exportSPKI(rsa.publicKey)).update(text).digest('base64url')}`;
    }, 'Jwt header [alg] is not supported'],
    ['another key', () => sign({}, {}, stranger), 'Jwt verification fails'],
    ['an unknown key id', () => sign({}, { kid: 'three' }, stranger), 'Jwks doesn\'t have key to match kid or alg from Jwt'],
    ['jku', () => sign({}, { jku: 'http://127.0.0.1:1/keys' }, stranger), 'Jwt verification fails'],
    ['x5u', () => sign({}, { x5u: 'http://127.0.0.1:1/cert' }, stranger), 'Jwt verification fails'],
    ['its own key', async () => sign({}, { jwk: await exportJWK(stranger.publicKey) }, stranger), 'Jwt verification fails'],
    ['crit', async () => {
      const [, payload = '', signature = ''] = (await sign()).split('.');
      return `${part({ alg: 'RS256', kid: 'one', crit: ['x'], x: 1 })}.${payload}.${signature}`;
    }, 'Jwt verification fails'],
    ['expired', () => sign({ exp: now() - 120 }), 'Jwt is expired'],
    ['not yet valid', () => sign({ nbf: now() + 120 }), 'Jwt not yet valid'],
    ['times that are no numbers', () => sign({ exp: 'never' as never }), 'Jwt payload is an invalid JSON'],
    ['another issuer', () => sign({ iss: 'https://other' }), 'Jwt issuer is not configured'],
    ['another audience', () => sign({ aud: 'other' }), 'Audiences in Jwt are not allowed'],
    ['no audience', () => sign(), 'Audiences in Jwt are not allowed'],
    ['__proto__ for an issuer', async () => `${part({ alg: 'RS256', kid: 'one' })}.${part(`{"__proto__":{"iss":"${issuer}","aud":"api"}}`)}.${(await sign()).split('.')[2] ?? ''}`, 'Jwt payload is an invalid JSON'],
    ['changed claims', async () => {
      const [header = '', , signature = ''] = (await sign({ aud: 'api' })).split('.');
      return `${header}.${part({ iss: issuer, sub: 'root', aud: 'api' })}.${signature}`;
    }, 'Jwt verification fails'],
    ['no token at all', () => 'nonsense', 'Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections'],
    ['no JSON', () => 'a.b.c', 'Jwt header is an invalid JSON'],
  ])('is refused: %s', async (name, token, message) => {
    const audiences = name.includes('audience') ? ['api'] : [];
    const { call, proxy, upstream } = await start([rule({ audiences })]);
    const got = await call(bearer(await token()));
    expect(got.status).toBe(name.includes('audience') ? 403 : 401);
    expect(got.answer.endsWith(message)).toBe(true);
    expect(got.answer).toContain('www-authenticate: Bearer realm="http://app/", error="invalid_token"\r\n');
    expect(upstream.received).toEqual([]);
    const record = await proxy.record();
    expect(record.details).toBe(`jwt_authn_access_denied{${message.replaceAll(' ', '_')}}`);
    expect(record.decision).toContainEqual(expect.objectContaining({ what: 'envoy.filters.http.jwt_authn: refused', why: expect.stringMatching(/^the token in header authorization is refused: ./) as string, origin }));
  });

  test('of a megabyte does not come in', async () => {
    const { call, upstream } = await start([rule()]);
    const { status } = await call(bearer(`${part({ alg: 'RS256' })}.${'a'.repeat(50_000)}.x`));
    expect(status).toBe(401);
    expect((await call(bearer('a'.repeat(1_000_000)))).status).toBeGreaterThanOrEqual(400);
    expect(upstream.received).toEqual([]);
  });

  test('has a minute for clocks that differ', async () => {
    const { call } = await start([rule()]);
    expect((await call(bearer(await sign({ exp: now() - 30 })))).status).toBe(200);
    expect((await call(bearer(await sign({ nbf: now() + 30 })))).status).toBe(200);
  });

  test('is refused as long as there are no keys, or none that read', async () => {
    for (const keys of [{ jwksUri: 'https://not.fetched/keys' }, { jwks: '{"keys":[]}' }]) {
      const { call } = await start([{ issuer, ...keys }]);
      expect((await call(bearer(await sign()))).status).toBe(401);
      expect((await call()).status).toBe(200);
    }
  });

  test('of a key without an id is tried with each key', async () => {
    const keys = JSON.stringify({ keys: [await exportJWK(stranger.publicKey), await exportJWK(rsa.publicKey)] });
    const { call } = await start([rule({ jwks: keys })]);
    const token = (key: Key): Promise<string> => new SignJWT({ iss: issuer }).setProtectedHeader({ alg: 'RS256' }).sign(key.privateKey);
    expect((await call(bearer(await token(rsa)))).status).toBe(200);
    expect((await call(bearer(await token(await generateKeyPair('RS256'))))).status).toBe(401);
  });

  test('of one of several issuers', async () => {
    const { call } = await start([rule(), { issuer: 'https://second', jwks }]);
    expect((await call(bearer(await sign({ iss: 'https://second' }, { alg: 'ES256', kid: 'two' }, elliptic)))).status).toBe(200);
    expect((await call(bearer(await sign()))).status).toBe(200);
    expect((await call()).status).toBe(200);
    expect((await call(bearer(await sign({ iss: 'https://third' })))).status).toBe(401);
    expect((await call(bearer(await sign({ exp: 1 })))).answer).toMatch(/Jwt is expired$/);
  });
});
describe('where tokens are', () => {
  test('in headers, parameters and cookies; each is taken out alone', async () => {
    const token = await sign();
    const { call } = await start([rule({ fromHeaders: [{ name: 'x-token', prefix: 'JWT ' }], fromParams: ['t'], fromCookies: ['session'] })]);
    expect((await call(`x-token: JWT ${token}\r\n`)).seen).not.toMatch(/x-token/i);
    expect((await call('', `/a?b=1&t=${token}&c=2`)).seen).toMatch(/^GET \/a\?b=1&c=2 HTTP/);
    expect((await call(`cookie: a=1; session=${token}; b=2\r\n`)).seen).toMatch(/cookie: a=1; b=2\r\n/i);
    expect((await call('x-token: JWT nonsense\r\n')).status).toBe(401);
    expect((await call('', '/?t=nonsense')).status).toBe(401);
    expect((await call('cookie: session=nonsense\r\n')).status).toBe(401);
    expect((await call(bearer('nonsense'))).status).toBe(200);
  });
  test('by default also in access_token; other schemes are none of ours', async () => {
    const { call } = await start([rule()]);
    expect((await call('', '/?access_token=nonsense')).status).toBe(401);
    expect((await call('Authorization: Basic YTpi\r\n')).seen).toMatch(/authorization: Basic YTpi/i);
  });
});

test('what a token says goes on in headers that nobody else can write', async () => {
  const token = await sign({ group: 'admins', level: 3, nested: { team: 'a' } });
  const { call } = await start([rule({ forwardOriginalToken: true, outputPayloadToHeader: 'x-payload', outputClaimToHeaders: [{ header: 'x-group', claim: 'group' }, { header: 'x-team', claim: 'nested.team' }, { header: 'x-level', claim: 'level' }] })]);
  const { seen } = await call(`${bearer(token)}x-group: forged\r\n`);
  for (const line of [`authorization: Bearer ${token}`, `x-payload: ${token.split('.')[1] ?? ''}`, 'x-group: admins', 'x-team: a', 'x-level: 3']) expect(seen.toLowerCase()).toContain(`${line.toLowerCase()}\r\n`);
  expect((await call('x-group: forged\r\nx-payload: forged\r\n')).seen).not.toMatch(/forged/);
});

test('policies judge by what a token says', async () => {
  const policy = { rules: [{ from: [{ source: { requestPrincipals: [`${issuer}/ann`] } }], when: [{ key: 'request.auth.claims[groups]', values: ['dev'] }, { key: 'request.auth.audiences', values: ['api'] }, { key: 'request.auth.presenter', values: ['app'] }, { key: 'request.auth.claims[scope]', values: ['read'] }] }] };
  const { call } = await start([rule()], [policy]);
  const good = { groups: ['ops', 'dev'], aud: ['api'], azp: 'app', scope: 'read write' };
  expect((await call(bearer(await sign(good)))).status).toBe(200);
  expect((await call()).status).toBe(403);
  for (const wrong of [{ groups: ['ops'] }, { sub: 'bob' }, { aud: 'web' }, { azp: 'x' }, { scope: 'write' }]) expect((await call(bearer(await sign({ ...good, ...wrong })))).status).toBe(403);
});

test('routes are chosen by what a token says', async () => {
  const match = (headers: object): ReturnType<typeof routeMatch> => routeMatch(HTTPMatchRequest.parse({ headers }));
  const routes = [
    { match: match({ '@request.auth.claims.groups': { exact: 'dev' } }), directResponse: { status: 211 } },
    { match: match({ '@request.auth.claims[realm][role]': { prefix: 'adm' } }), directResponse: { status: 212 } },
    { match: match({ '@request.auth.claims.realm.name': { exact: 'x' } }), directResponse: { status: 213 } },
    { match: { prefix: '/' }, directResponse: { status: 210 } },
  ];
  const { call } = await start([rule()], [], routes);
  const codes = await Promise.all([{ groups: ['dev'] }, { realm: { role: 'admin' } }, { realm: { name: 'x' } }, { groups: 'ops' }].map(async (claims) => (await call(bearer(await sign(claims)))).status));
  expect(codes).toEqual([211, 212, 213, 210]);
  expect((await call('@request.auth.claims.groups: dev\r\n')).status).toBe(400);
  expect((await call()).status).toBe(210);
});

test('config that cannot be used is refused', () => {
  const listener = (config: object): Parameters<typeof checkListener>[0] => ({ name: 'l', address: { socketAddress: { address: '0.0.0.0', portValue: 1 } }, filterChains: [{ filters: [{ name: 'envoy.filters.network.http_connection_manager', typedConfig: { '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', httpFilters: [{ name: 'envoy.filters.http.jwt_authn', typedConfig: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication', ...config } }] } as never }] }] });
  expect(() => checkListener(listener({ providers: { a: { issuer, remoteJwks: {} } } }))).toThrow(/keys of the JWT provider a/);
  expect(() => checkListener(listener({ rules: [{ requires: { providerName: 'b' } }] }))).toThrow(/provider b is not known/);
});
