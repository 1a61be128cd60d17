import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SourceFile } from '../../src/manifest/index.ts';
import { hasPeer, noEngine, sample, startLab, until, type TestLab } from './support/index.ts';

const why = noEngine ?? (hasPeer ? undefined : 'Istio’s sample files are not here');
const into = (namespace: string, files: readonly SourceFile[]): readonly SourceFile[] => files.map((file) => ({ ...file, path: `${namespace}/${file.path}`, namespace }));
const policy = (name: string, spec: string): SourceFile => ({ path: `${name}.yaml`, text: `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata:\n  name: ${name}\n  namespace: foo\nspec:\n${spec.replace(/^/gm, '  ')}\n` });
const issuer = 'testing@secure.istio.io';

/** The sample authorizer, and the providers that the page defines for it. */
const authorizer: SourceFile = { path: 'authorizer.yaml', namespace: 'foo', text: `apiVersion: v1
kind: Service
metadata: { name: ext-authz, labels: { app: ext-authz } }
spec:
  ports: [{ name: http, port: 8000, targetPort: 8000 }, { name: grpc, port: 9000, targetPort: 9000 }]
  selector: { app: ext-authz }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: ext-authz }
spec:
  selector: { matchLabels: { app: ext-authz } }
  template:
    metadata: { labels: { app: ext-authz } }
    spec: { containers: [{ name: ext-authz, image: gcr.io/istio-testing/ext-authz:latest, ports: [{ containerPort: 8000 }, { containerPort: 9000 }] }] }
` };
const providers: SourceFile = { path: 'mesh.yaml', text: `apiVersion: v1
kind: ConfigMap
metadata: { name: istio, namespace: istio-system }
data:
  mesh: |-
    extensionProviders:
    - name: "sample-ext-authz-grpc"
      envoyExtAuthzGrpc:
        service: "ext-authz.foo.svc.cluster.local"
        port: "9000"
    - name: "sample-ext-authz-http"
      envoyExtAuthzHttp:
        service: "ext-authz.foo.svc.cluster.local"
        port: "8000"
        includeRequestHeadersInCheck: ["x-ext-authz"]
        headersToUpstreamOnAllow: ["x-ext-authz-check-result"]
` };
const denial = 'denied by ext_authz for not found header `x-ext-authz: allow` in the request';

describe.skipIf(why !== undefined)(`Istio’s task pages on authorization and request authentication${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let lab: TestLab;
  let token: (claims?: Readonly<Record<string, unknown>>, by?: string) => Promise<string>;
  let authentication: SourceFile;

  beforeAll(async () => {
    const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
    const jwks = JSON.stringify({ keys: [{ ...await exportJWK(publicKey), kid: 'one', alg: 'RS256' }] });
    token = (claims = {}, by = issuer) => new SignJWT({ ...claims }).setProtectedHeader({ alg: 'RS256', kid: 'one' }).setIssuer(by).setSubject(issuer).setExpirationTime('1h').sign(privateKey);
    authentication = { path: 'jwt.yaml', text: `apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata:\n  name: jwt-example\n  namespace: foo\nspec:\n  selector:\n    matchLabels:\n      app: httpbin\n  jwtRules:\n  - issuer: "${issuer}"\n    jwks: '${jwks}'\n` };
    lab = await startLab('test-security', [...into('foo', sample('httpbin/httpbin.yaml', 'curl/curl.yaml')), ...into('bar', sample('curl/curl.yaml')), authorizer, providers]);
    await lab.synced();
  });
  afterAll(async () => { await lab?.down(); });

  /** curl to foo's httpbin: the status. */
  const call = async (from: string, path: string, ...more: readonly string[]): Promise<string> =>
    (await lab.exec(`${from}/curl`, 'curl', '-s', '-o', '/dev/null', '-m', '5', '-w', '%{http_code}', ...more, `http://httpbin.foo:8000${path}`)).output.trim();
  const bearer = (value: string): readonly string[] => ['-H', `Authorization: Bearer ${value}`];

  it('authorization for HTTP: nothing, then GET for one account, then deny rules on top', async () => {
    const nothing = policy('allow-nothing', '{}');
    await lab.apply([nothing]);
    expect([await call('foo', '/get'), await call('bar', '/get')]).toEqual(['403', '403']);
    const viewer = policy('viewer', 'selector:\n  matchLabels:\n    app: httpbin\naction: ALLOW\nrules:\n- from:\n  - source:\n      principals: ["cluster.local/ns/foo/sa/curl"]\n  to:\n  - operation:\n      methods: ["GET"]');
    await lab.apply([viewer]);
    expect([await call('foo', '/get'), await call('foo', '/post', '-X', 'POST'), await call('bar', '/get')]).toEqual(['200', '403', '403']);
    const deny = policy('deny-ip', 'selector:\n  matchLabels:\n    app: httpbin\naction: DENY\nrules:\n- to:\n  - operation:\n      paths: ["/ip*"]\n  when:\n  - key: request.headers[x-token]\n    notValues: ["admin"]');
    await lab.apply([deny]);
    expect([await call('foo', '/ip'), await call('foo', '/ip', '-H', 'x-token: admin'), await call('foo', '/get')]).toEqual(['403', '200', '200']);
    await until('the record says which policy denied', async () => (await lab.records({ text: '/ip' })).some((record) => record.reporter === 'destination' && record.status === 403 && record.details.includes('rbac_access_denied') && record.decision.some((step) => step.origin?.name.includes('deny-ip') === true)));
    await lab.delete([nothing, viewer, deny]);
    expect(await call('bar', '/ip')).toBe('200');
  });

  it('authentication policy: a bad token is refused, none passes until a policy asks for one, claims count', async () => {
    await lab.apply([authentication]);
    const good = await token();
    expect([await call('foo', '/headers'), await call('foo', '/headers', ...bearer('deadbeef')), await call('foo', '/headers', ...bearer(good)), await call('foo', '/headers', ...bearer(await token({}, 'someone@else')))]).toEqual(['200', '401', '200', '401']);
    const required = policy('require-jwt', 'selector:\n  matchLabels:\n    app: httpbin\naction: ALLOW\nrules:\n- from:\n  - source:\n      requestPrincipals: ["testing@secure.istio.io/testing@secure.istio.io"]\n  when:\n  - key: request.auth.claims[groups]\n    values: ["group1"]');
    await lab.apply([required]);
    expect([await call('foo', '/headers'), await call('foo', '/headers', ...bearer(good)), await call('foo', '/headers', ...bearer(await token({ groups: ['group1', 'group2'] })))]).toEqual(['403', '403', '200']);
    await lab.delete([authentication, required]);
  });

  it('authorization for TCP-like fields: a namespace is kept out by its identity', async () => {
    const outside = policy('deny-bar', 'action: DENY\nrules:\n- from:\n  - source:\n      namespaces: ["bar"]');
    await lab.apply([outside]);
    expect([await call('foo', '/get'), await call('bar', '/get')]).toEqual(['200', '403']);
    await lab.delete([outside]);
  });

  it.each(['sample-ext-authz-grpc', 'sample-ext-authz-http'])('external authorization by %s: the header decides, other paths are not asked about, nobody to ask means no', async (provider) => {
    const ask = policy('ext-authz', `selector:\n  matchLabels:\n    app: httpbin\naction: CUSTOM\nprovider:\n  name: ${provider}\nrules:\n- to:\n  - operation:\n      paths: ["/headers"]`);
    await lab.apply([ask]);
    const headers = async (value: string): Promise<string> => (await lab.exec('foo/curl', 'curl', '-s', '-m', '5', '-H', `x-ext-authz: ${value}`, 'http://httpbin.foo:8000/headers')).output;
    expect(await headers('deny')).toBe(denial);
    expect(await headers('allow')).toMatch(/"X-Ext-Authz-Check-Result": \[?\s*"allowed"/);
    expect([await call('foo', '/headers'), await call('foo', '/ip')]).toEqual(['403', '200']);
    await until('the record says who was asked', async () => (await lab.records({ text: '/headers' })).some((record) => record.reporter === 'destination' && record.status === 403 && record.flags.includes('UAEX') && record.decision.some(({ what, why }) => what.startsWith('envoy.filters.http.ext_authz: denied') && why?.startsWith(provider) === true)));
    const missing = policy('ext-authz', `action: CUSTOM\nprovider:\n  name: nobody\nrules:\n- to:\n  - operation:\n      paths: ["/headers"]`);
    await lab.apply([missing]);
    expect([await call('foo', '/headers', '-H', 'x-ext-authz: allow'), await call('foo', '/ip')]).toEqual(['403', '200']);
    await lab.delete([missing]);
  });
});
