import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SourceFile } from '../../src/manifest/index.ts';
import { hasPeer, noEngine, sample, startLab, until, type TestLab } from './support/index.ts';
import { makeIssuer, type Issuer } from './support/tokens.ts';

const why = noEngine ?? (hasPeer ? undefined : 'Istio’s sample files are not here');
const foo = (files: readonly SourceFile[]): readonly SourceFile[] => files.map((file) => ({ ...file, path: `foo/${file.path}`, namespace: 'foo' }));
const resource = (apiVersion: string, kind: string, name: string, spec: unknown, metadata: Readonly<Record<string, unknown>> = {}): SourceFile => ({
  path: `${kind}-${name}.yaml`, text: JSON.stringify({ apiVersion, kind, metadata: { name, namespace: 'foo', ...metadata }, spec }),
});
const policy = (name: string, spec: unknown, metadata?: Readonly<Record<string, unknown>>): SourceFile => resource('security.istio.io/v1', 'AuthorizationPolicy', name, spec, metadata);
const of = (app: string): unknown => ({ matchLabels: { app } });
const ingress = { namespace: 'istio-system' };
const atIngress = { matchLabels: { istio: 'ingressgateway' } };
const issuer = 'testing@secure.istio.io';

/** A server of keys whose port is another than its container’s, as Services may have it. */
const keyServer = (keys: string): readonly SourceFile[] => [
  resource('v1', 'Service', 'keys', { selector: { app: 'keys' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] }),
  resource('apps/v1', 'Deployment', 'keys', {
    selector: { matchLabels: { app: 'keys' } },
    template: {
      metadata: { labels: { app: 'keys' } },
      spec: { containers: [{ name: 'keys', image: 'curlimages/curl', ports: [{ containerPort: 8080 }], env: [{ name: 'KEYS', value: keys }], command: ['node', '-e', 'require("http").createServer((q,s)=>s.end(q.url==="/jwks.json"?process.env.KEYS:"{}")).listen(8080)'] }] },
    },
  }),
];

describe.skipIf(why !== undefined)(`Istio’s task pages on authorization for TCP, at the ingress, dry run, and on claims of tokens${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let lab: TestLab;
  let tokens: Issuer;

  beforeAll(async () => {
    tokens = await makeIssuer(issuer);
    lab = await startLab('authorize', [...foo(sample('httpbin/httpbin.yaml', 'httpbin/httpbin-gateway.yaml', 'curl/curl.yaml', 'tcp-echo/tcp-echo.yaml')), ...keyServer(tokens.keys)]);
    await lab.synced();
  });
  afterAll(async () => { await lab?.down(); });

  /** curl in foo to its httpbin: what it printed. */
  const curl = async (path: string, ...more: readonly string[]): Promise<string> => (await lab.exec('foo/curl', 'curl', '-s', '-m', '5', ...more, `http://httpbin.foo:8000${path}`)).output.trim();
  const status = (path: string, ...more: readonly string[]): Promise<string> => curl(path, '-o', '/dev/null', '-w', '%{http_code}', ...more);
  const bearer = (token: string): Readonly<Record<string, string>> => ({ authorization: `Bearer ${token}` });

  it('authorization for TCP traffic: by port, and rules about HTTP allow nothing and deny by what is left of them', async () => {
    const echo = async (port: number): Promise<string> => (await lab.exec('foo/curl', 'sh', '-c', `echo "port ${port}" | nc -w 2 tcp-echo ${port}`)).output.trim();
    const unnamed = async (): Promise<string> => (await lab.exec('foo/curl', 'sh', '-c', `echo "port 9002" | nc -w 2 ${(await lab.status()).pods.find(({ app }) => app === 'tcp-echo')?.ip ?? ''} 9002`)).output.trim();
    const asked = async (): Promise<readonly string[]> => [await echo(9000), await echo(9001), await unnamed()];
    expect(await asked()).toEqual(['hello port 9000', 'hello port 9001', 'hello port 9002']);
    const allow = (operation: unknown, action = 'ALLOW'): SourceFile => policy('tcp-policy', { selector: of('tcp-echo'), action, rules: [{ to: [{ operation }] }] });
    await lab.during([allow({ ports: ['9000', '9001'] })], async () => { expect(await asked()).toEqual(['hello port 9000', 'hello port 9001', '']); });
    await lab.during([allow({ methods: ['GET'], ports: ['9000'] })], async () => { expect(await asked()).toEqual(['', '', '']); });
    await lab.during([allow({ methods: ['GET'], ports: ['9000'] }, 'DENY')], async () => { expect(await asked()).toEqual(['', 'hello port 9001', 'hello port 9002']); });
    await until('a record of the connection that was denied', async () => (await lab.records({ service: 'tcp-echo' })).some(({ reporter, protocol, details }) => reporter === 'destination' && protocol === 'tcp' && details.includes('rbac_access_denied')));
  });

  it('dry run: the policy is judged and shown, and decides nothing until it is meant', async () => {
    const deny = (dryRun: string): SourceFile => policy('deny-path-headers', { selector: of('httpbin'), action: 'DENY', rules: [{ to: [{ operation: { paths: ['/headers'] } }] }] }, { annotations: { 'istio.io/dry-run': dryRun } });
    await lab.during([deny('true')], async () => {
      expect([await status('/headers?tried'), await status('/get?tried')]).toEqual(['200', '200']);
      await until('what it would have done', async () => (await lab.records({ text: '/headers?tried' })).some(({ reporter, status: code, decision }) => reporter === 'destination' && code === 200 && decision.some(({ what, origin }) => /shadow|dry.run|would/i.test(what) && origin?.name.includes('deny-path-headers') === true)));
      await lab.apply([deny('false')]);
      expect([await status('/headers'), await status('/get')]).toEqual(['403', '200']);
    });
  });

  it('ingress access control: by the address that connects, and by the one that a proxy in front has written down', async () => {
    const entry = async (from?: string): Promise<number> => (await lab.get('/headers', from === undefined ? {} : { 'x-forwarded-for': from })).status;
    const own = (JSON.parse((await lab.get('/ip')).body) as { readonly origin: string }).origin.split(',')[0] ?? '';
    expect(own).toMatch(/^\d+\.\d+\.\d+\.\d+/);
    const address = own.replace(/:\d+$/, '');
    const rule = (action: string, source: unknown): SourceFile => policy('ingress-policy', { selector: atIngress, action, rules: [{ from: [{ source }] }] }, ingress);
    await lab.during([rule('ALLOW', { ipBlocks: ['1.2.3.4', '5.6.7.0/24'] })], async () => {
      expect(await entry()).toBe(403);
      await lab.apply([rule('ALLOW', { ipBlocks: ['1.2.3.4', '5.6.7.0/24', address] })]);
      expect(await entry()).toBe(200);
      await lab.apply([rule('DENY', { ipBlocks: [address] })]);
      expect(await entry()).toBe(403);
      await lab.apply([rule('ALLOW', { remoteIpBlocks: ['1.2.3.4', '5.6.7.0/24'] })]);
      expect([await entry(), await entry('5.6.7.8')]).toEqual([403, 403]);
    });
    const trusting: SourceFile = { path: 'trusting.yaml', text: 'apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: { name: trusting }\nspec:\n  meshConfig: { defaultConfig: { gatewayTopology: { numTrustedProxies: 1 } } }\n' };
    await lab.during([trusting, rule('ALLOW', { remoteIpBlocks: ['1.2.3.4', '5.6.7.0/24'] })], async () => {
      expect([await entry(), await entry('5.6.7.8'), await entry('5.6.8.8'), await entry('5.6.7.8, 9.9.9.9')]).toEqual([403, 200, 403, 403]);
      await lab.apply([rule('DENY', { remoteIpBlocks: ['5.6.7.0/24'] })]);
      expect([await entry('5.6.7.8'), await entry('5.6.8.8')]).toEqual([403, 200]);
    });
  });

  it('copy JWT claims to HTTP headers: of a good token, and nobody else can write them', async () => {
    const rules = resource('security.istio.io/v1', 'RequestAuthentication', 'jwt-example', { selector: of('httpbin'), jwtRules: [{ issuer, jwks: tokens.keys, outputClaimToHeaders: [{ header: 'x-jwt-claim-foo', claim: 'foo' }, { header: 'x-jwt-nested', claim: 'deep.er' }] }] });
    await lab.during([rules], async () => {
      const headers = async (...more: readonly string[]): Promise<string> => curl('/headers', ...more);
      const good = `Authorization: Bearer ${await tokens.token({ foo: 'bar', deep: { er: 7 } })}`;
      expect(await status('/headers', '-H', 'Authorization: Bearer some.invalid.token')).toBe('401');
      expect(await headers('-H', good)).toMatch(/"X-Jwt-Claim-Foo": \[?\s*"bar"[^]*"X-Jwt-Nested": \[?\s*"7"/);
      expect(await headers('-H', good, '-H', 'x-jwt-claim-foo: forged')).not.toContain('forged');
      expect(await headers('-H', 'x-jwt-claim-foo: forged')).not.toContain('forged');
    });
  });

  it('JWT claim based routing: the gateway routes by claims of a good token, and knows no way without', async () => {
    const rules = resource('security.istio.io/v1', 'RequestAuthentication', 'ingress-jwt', { selector: atIngress, jwtRules: [{ issuer, jwks: tokens.keys }] }, ingress);
    const route = resource('networking.istio.io/v1', 'VirtualService', 'by-claim', {
      hosts: ['claims.example.com'], gateways: ['httpbin-gateway'],
      http: [{ match: [{ uri: { prefix: '/headers' }, headers: { '@request.auth.claims.groups': { exact: 'group1' } } }], route: [{ destination: { host: 'httpbin', port: { number: 8000 } } }] }],
    });
    const ask = async (token?: string): Promise<number> => (await lab.get('/headers', { host: 'claims.example.com', ...(token === undefined ? {} : bearer(token)) })).status;
    await lab.during([rules, route], async () => {
      expect([await ask(), await ask('some.invalid.token'), await ask(await tokens.token()), await ask(await tokens.token({ groups: ['group1', 'group2'] }))]).toEqual([404, 401, 404, 200]);
      await until('the route in the gateway’s decision', async () => (await lab.records({ text: '/headers' })).some(({ proxy, status: code, decision }) => proxy.includes('ingressgateway') && code === 200 && decision.some(({ origin }) => origin?.name.includes('by-claim') === true)));
    });
  });

  it('keys that a server in the mesh gives out are found by its name, behind whatever port its container has', async () => {
    const rules = resource('security.istio.io/v1', 'RequestAuthentication', 'keys-in-the-mesh', { selector: of('httpbin'), jwtRules: [{ issuer, jwksUri: 'http://keys.foo.svc.cluster.local/jwks.json' }] });
    await lab.during([rules], async () => {
      const good = `Authorization: Bearer ${await tokens.token()}`;
      await until('a token to be verified with the fetched keys', async () => (await status('/get', '-H', good)) === '200');
      expect([await status('/get', '-H', `Authorization: Bearer ${await (await makeIssuer(issuer)).token()}`), await status('/get')]).toEqual(['401', '200']);
      expect((await lab.status()).diagnostics.filter(({ level }) => level !== 'info')).toEqual([]);
    });
  });
});
