import { afterEach, describe, expect, test } from 'vitest';
import { compileCors, corsFilter } from '../../src/features/cors/compile.ts';
import { CorsPolicy } from '../../src/features/cors/manifest.ts';
import { exchange, oneResponse, startEcho, startProxy } from '../sidecar/http/proxy.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => { for (const close of closing.splice(0)) await close(); });

test('what people write becomes Envoy’s policy', () => {
  expect(compileCors(CorsPolicy.parse({ allowOrigins: [{ exact: 'https://a.example' }, { prefix: 'https://b' }, { regex: 'https://c\\..*' }], allowMethods: ['GET', 'POST'], allowHeaders: ['x-a', 'x-b'], exposeHeaders: ['x-c'], maxAge: '24h', allowCredentials: false, unmatchedPreflights: 'IGNORE' }))).toEqual({
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy',
    allowOriginStringMatch: [{ exact: 'https://a.example' }, { prefix: 'https://b' }, { safeRegex: { regex: 'https://c\\..*' } }],
    allowMethods: 'GET,POST', allowHeaders: 'x-a,x-b', exposeHeaders: 'x-c', maxAge: '86400', allowCredentials: false, forwardNotMatchingPreflights: false, filterEnabled: { defaultValue: { numerator: 100 } },
  });
  expect(compileCors(CorsPolicy.parse({ allowOrigin: ['*'] })).allowOriginStringMatch).toEqual([{ exact: '*' }]);
});

describe('a browser that calls', () => {
  const call = async (policy: unknown, request: string): Promise<{ readonly answer: string; readonly seen: string }> => {
    const upstream = await startEcho(() => 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\naccess-control-allow-origin: app\r\n\r\napp');
    const proxy = await startProxy({ clusters: { up: [upstream.port] }, routes: [{ match: { prefix: '/' }, route: { cluster: 'up', timeout: '0s' }, typedPerFilterConfig: { [corsFilter]: compileCors(CorsPolicy.parse(policy)) } }] });
    closing.push(() => proxy.close(), () => upstream.close());
    const { answer } = await exchange(proxy.port, [request], oneResponse);
    return { answer, seen: upstream.received.join('') };
  };
  const policy = { allowOrigins: [{ exact: 'https://a.example' }], allowMethods: ['PUT'], allowHeaders: ['x-a'], exposeHeaders: ['x-c'], maxAge: '1m', allowCredentials: true };
  const preflight = (origin: string): string => `OPTIONS /x HTTP/1.1\r\nHost: h\r\nOrigin: ${origin}\r\nAccess-Control-Request-Method: PUT\r\n\r\n`;

  test('gets its preflight answered without the application', async () => {
    const { answer, seen } = await call(policy, preflight('https://a.example'));
    expect(seen).toBe('');
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    for (const header of ['allow-origin: https://a.example', 'allow-credentials: true', 'allow-methods: PUT', 'allow-headers: x-a', 'max-age: 60']) expect(answer).toContain(`access-control-${header}\r\n`);
  });
  test('from an origin that is not allowed goes on to the application, unless unmatched preflights are ignored', async () => {
    expect((await call(policy, preflight('https://evil.example'))).answer).toMatch(/access-control-allow-origin: app[^]*app$/);
    const { answer, seen } = await call({ ...policy, unmatchedPreflights: 'IGNORE' }, preflight('https://evil.example'));
    expect(seen).toBe('');
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).not.toContain('access-control');
  });
  test('is told on responses what it may read; others are told nothing new', async () => {
    const get = (origin: string): string => `GET /x HTTP/1.1\r\nHost: h\r\n${origin}\r\n`;
    const { answer } = await call(policy, get('Origin: https://a.example\r\n'));
    expect(answer.match(/access-control-allow-origin: .*/g)).toEqual(['access-control-allow-origin: https://a.example']);
    expect(answer).toContain('access-control-expose-headers: x-c\r\n');
    expect((await call(policy, get('Origin: https://a.example.evil\r\n'))).answer).toContain('access-control-allow-origin: app\r\n');
    expect((await call(policy, get(''))).answer).not.toContain('expose');
  });
  test('OPTIONS without a requested method is a request like any other', async () => {
    expect((await call(policy, 'OPTIONS /x HTTP/1.1\r\nHost: h\r\nOrigin: https://a.example\r\n\r\n')).seen).toMatch(/^OPTIONS /);
  });
});
