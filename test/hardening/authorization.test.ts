import { connect } from 'node:net';
import { createServer as createHttp } from 'node:http';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { analyze } from '../../src/analyze/index.ts';
import { parseManifests } from '../../src/manifest/index.ts';
import { startAskedMesh, type AskedMesh } from '../fakes/asked-mesh.ts';
import { sidecarBench } from '../fakes/sidecar-pair.ts';
import { startFakeControlPlane } from '../fakes/control-plane.ts';
import { until } from '../fakes/wait.ts';
import { explainCall } from '../../src/core/lab/explain.ts';

// One test for each line of what trusted meshes promise about authorization: manifests, the real control plane, two sidecars, real sockets.

const policy = (name: string, spec: string, namespace = 'default'): string => `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: { name: ${name}, namespace: ${namespace} }\nspec: ${spec}\n`;
const normalized = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: istio, namespace: istio-system }\ndata:\n  mesh: |-\n    pathNormalization: { normalization: DECODE_AND_MERGE_SLASHES }\n    extensionProviders:\n    - name: gone\n      envoyExtAuthzHttp: { service: server.default.svc.cluster.local, port: 80, timeout: 200ms, pathPrefix: /authorizer }\n';
const denyAdmin = policy('admin', '{ action: DENY, rules: [{ to: [{ operation: { paths: ["/admin*"] } }] }] }');
const fromCaller = '[{ from: [{ source: { principals: ["cluster.local/ns/default/sa/caller"] } }] }]';

describe.skipIf(process.platform !== 'linux')('authorization between two sidecars (needs all of 127/8)', () => {
  let mesh: AskedMesh;
  beforeAll(async () => { mesh = await startAskedMesh(85, normalized); }, 30_000);
  afterAll(async () => { await mesh?.close(); });

  describe('the order of policies', () => {
    test('CUSTOM, then DENY, then ALLOW: the first that says no has the last word', async () => {
      await mesh.policies(
        policy('c', '{ action: CUSTOM, provider: { name: nobody }, rules: [{ to: [{ operation: { paths: ["/c*", "/cd*"] } }] }] }'),
        policy('d', '{ action: DENY, rules: [{ to: [{ operation: { paths: ["/cd*", "/d*"] } }] }] }'), policy('a', '{ rules: [{ to: [{ operation: { paths: ["/cd", "/d", "/a"] } }] }] }'),
      );
      expect([await mesh.status('/a'), await mesh.status('/d'), await mesh.status('/cd'), await mesh.status('/other')]).toEqual(['200', '403', '403', '403']);
      expect((await mesh.record(({ path }) => path === '/cd')).details).toContain('policy[c]');
      expect((await mesh.record(({ path }) => path === '/d')).details).toContain('policy[d]');
      expect((await mesh.record(({ path }) => path === '/other')).details).toContain('none');
    });
    test('any ALLOW policy means that the rest is denied', async () => {
      await mesh.policies(policy('a', '{ rules: [{ to: [{ operation: { paths: ["/a"] } }] }] }'));
      expect([await mesh.status('/a'), await mesh.status('/b')]).toEqual(['200', '403']);
    });
    test('an ALLOW without rules denies all', async () => {
      await mesh.policies(policy('nothing', '{}'));
      expect([await mesh.status('/'), await mesh.status('/', '', 'plain')]).toEqual(['403', '403']);
    });
    test('the root namespace applies everywhere, other namespaces do not', async () => {
      await mesh.policies(policy('root', '{ action: DENY, rules: [{}] }', 'istio-system'));
      expect(await mesh.status('/')).toBe('403');
      await mesh.policies(policy('other', '{ action: DENY, rules: [{}] }', 'elsewhere'));
      expect(await mesh.status('/')).toBe('200');
    });
    test('principals and namespaces never match on plaintext', async () => {
      for (const source of ['principals: ["*"]', 'namespaces: ["*"]', 'principals: ["*/sa/caller"]']) {
        await mesh.policies(policy('a', `{ rules: [{ from: [{ source: { ${source} } }] }] }`));
        expect([source, await mesh.status('/'), await mesh.status('/', 'x-forwarded-client-cert: URI=spiffe://cluster.local/ns/default/sa/caller\r\n', 'plain')]).toEqual([source, '200', '403']);
      }
    });
    test('fields that a protocol lacks never loosen a policy', async () => {
      const tcp = 'apiVersion: v1\nkind: Service\nmetadata: { name: raw, namespace: default }\nspec: { selector: { app: server }, ports: [{ port: 80, targetPort: 9080, name: tcp }] }\n';
      const asTcp = async (...texts: readonly string[]): Promise<string> => {
        await mesh.mesh.apply(tcp, normalized, ...texts);
        return await mesh.status('/', '', 'plain');
      };
      expect(await asTcp()).toBe('200');
      expect(await asTcp(policy('a', '{ rules: [{ to: [{ operation: { methods: ["GET"] } }] }] }'))).toBe('');
      expect(await asTcp(policy('d', '{ action: DENY, rules: [{ to: [{ operation: { methods: ["POST"] } }] }] }'))).toBe('');
      expect(await asTcp(policy('d', '{ action: DENY, rules: [{ to: [{ operation: { methods: ["POST"], ports: ["1"] } }] }] }'))).toBe('200');
    });
  });

  describe('it fails closed', () => {
    test('an authorizer that is down: 403', async () => {
      await mesh.policies(policy('c', '{ action: CUSTOM, provider: { name: gone }, rules: [{ to: [{ operation: { paths: ["/headers"] } }] }] }'), policy('loop', '{ action: DENY, rules: [{ to: [{ operation: { paths: ["/authorizer*"] } }] }] }'));
      expect([await mesh.status('/headers'), await mesh.status('/ip')]).toEqual(['403', '200']);
    });
    test('keys that have not come: every token is refused, until they are there', async () => {
      const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
      const token = await new SignJWT({}).setProtectedHeader({ alg: 'RS256', kid: 'one' }).setIssuer('me').setSubject('ann').setExpirationTime('1h').sign(privateKey);
      let keys: string | undefined;
      const issuer = createHttp((_request, response) => { response.writeHead(keys === undefined ? 503 : 200).end(keys ?? ''); }).listen(0, '127.0.0.1');
      await once(issuer, 'listening');
      const jwksUri = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/keys`;
      const bearer = `authorization: Bearer ${token}\r\n`;
      const authentication = (uri: string): string => `apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: { name: jwt, namespace: default }\nspec: { jwtRules: [{ issuer: me, jwksUri: "${uri}" }] }\n`;
      const required = policy('required', '{ rules: [{ from: [{ source: { requestPrincipals: ["me/ann"] } }] }] }');
      await mesh.policies(authentication(jwksUri), required);
      expect([await mesh.status('/', bearer), await mesh.status('/')]).toEqual(['401', '403']);
      keys = JSON.stringify({ keys: [{ ...await exportJWK(publicKey), kid: 'one', alg: 'RS256' }] });
      await mesh.policies(authentication(`${jwksUri}?again`), required);
      await until('the keys to be in force', async () => await mesh.status('/', bearer) === '200', 10_000);
      const keySets = await mesh.mesh.lab.core.keySets();
      expect(keySets).toEqual({ [`${jwksUri}?again`]: keys });
      // What explains a call on a running lab knows the keys too: it need not take a token as good.
      const [files, pods, virtualIps] = await Promise.all([mesh.mesh.lab.core.files(), mesh.mesh.lab.core.pods(), mesh.mesh.lab.core.virtualIps()]);
      const call = { from: 'caller', method: 'GET', url: 'http://server/', headers: [['authorization', bearer.slice('authorization: '.length).trim()] as const] };
      const judged = async (given: typeof keySets): Promise<readonly string[]> => (await explainCall(files, call, { pods: pods.map((pod) => ({ ...pod, ready: true })), virtualIps, keySets: given })).steps.filter(({ what }) => what.includes('jwt_authn')).map(({ what }) => what);
      expect(await judged(keySets)).toEqual(['envoy.filters.http.jwt_authn: verified']);
      expect(await judged({})).toEqual(['envoy.filters.http.jwt_authn: taken as good']);
      issuer.closeAllConnections();
      issuer.close();
    });
    test('no config yet: nobody gets in', async () => {
      const bench = await sidecarBench();
      const plane = await startFakeControlPlane(bench.ca, { 'default/server': 'spiffe://cluster.local/ns/default/sa/server' });
      const { sidecar } = await bench.pod('server', plane, () => ({ ip: '127.0.0.1', port: 1 }));
      expect([sidecar.ready, sidecar.port(15006), sidecar.port(15001)]).toEqual([false, undefined, undefined]);
      await bench.close();
      await plane.stop();
    });
    test('a rule that cannot be judged is refused where it is written, and the last good policy stays', async () => {
      await mesh.policies(denyAdmin);
      await expect(mesh.policies(policy('bad', '{ action: DENY, rules: [{ when: [{ key: "request.unknown", values: ["x"] }] }] }'))).rejects.toThrow(/request\.unknown/);
      expect(await mesh.status('/admin')).toBe('403');
    });
  });

  describe('DENY paths: ["/admin*"] with DECODE_AND_MERGE_SLASHES', () => {
    beforeAll(() => mesh.policies(denyAdmin));
    const hidden = ['/public/../admin', '/./admin', '//admin', '/%2fadmin', '/public%2f..%2fadmin', '/%5cadmin', '\\admin', '/%61dmin', '/%2e%2e/admin', '/admin?x', '/admin#x'];
    test.each(hidden)('%s: 403', async (path) => {
      const before = mesh.reached.length;
      expect([await mesh.status(path), await mesh.status(path, '', 'plain')]).toEqual(['403', '403']);
      expect(mesh.reached).toHaveLength(before);
    });
    test('/public#/../admin: 403 where it arrives as it is; a sidecar on the way takes the fragment off, so that nobody sees more than /public', async () => {
      const before = mesh.reached.length;
      expect(await mesh.status('/public#/../admin', '', 'plain')).toBe('403');
      expect(mesh.reached).toHaveLength(before);
      expect(await mesh.status('/public#/../admin')).toBe('200');
      expect(mesh.reached.at(-1)).toMatch(/^GET \/public HTTP/);
    });
    test.each(['/%2561dmin', '/%c0%afadmin'])('%s: never decoded twice, never a slash', async (path) => {
      expect(await mesh.status(path)).toBe('200');
      expect(mesh.reached.at(-1)).toMatch(new RegExp(`^GET ${path} HTTP`));
    });
    test.each([['/admin%00', '/admin%00'], ['NUL', '/admin\0'], ['/x%0d%0ay', '/x%0d%0ay']])('%s: 400', async (_name, path) => {
      const before = mesh.reached.length;
      expect([await mesh.status(path, '', 'plain'), await mesh.status(path)]).toEqual(['400', '400']);
      expect(mesh.reached).toHaveLength(before);
    });
    test('/ADMIN and, by an exact rule, /admin;x=1: as written, and the analysis warns', async () => {
      expect(await mesh.status('/ADMIN')).toBe('200');
      const exact = policy('exact', '{ action: DENY, rules: [{ to: [{ operation: { paths: ["/admin"] } }] }] }');
      const found = analyze({ resources: parseManifests([{ path: 'p.yaml', text: exact }]).resources }).find(({ code }) => code === 'WEFT0108');
      expect(found).toMatchObject({ level: 'warning', file: 'p.yaml', line: 4, message: expect.stringContaining('/ADMIN, /admin/ and /admin;x=1') as string });
      await mesh.policies(exact);
      expect([await mesh.status('/admin'), await mesh.status('/admin;x=1'), await mesh.status('/ADMIN')]).toEqual(['403', '200', '200']);
      await mesh.policies(denyAdmin);
    });
    test('a second pipelined request to a denied path is judged by itself', async () => {
      const answer = await mesh.ask('GET /public HTTP/1.1\r\nHost: server\r\n\r\nGET /admin HTTP/1.1\r\nHost: server\r\n\r\n');
      expect([...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, code]) => code)).toEqual(['200', '403']);
    });
    test('bytes after Connection: close are not a request', async () => {
      const before = mesh.reached.length;
      const answer = await mesh.plain('GET /public HTTP/1.1\r\nHost: server\r\nConnection: close\r\n\r\nGET /public/second HTTP/1.1\r\nHost: server\r\n\r\n');
      expect([...answer.matchAll(/HTTP\/1\.1 (\d+)/g)]).toHaveLength(1);
      expect(mesh.reached.length).toBe(before + 1);
    });
  });

  test('another authority has one meaning for policy and routing; 400 where there are two', async () => {
    await mesh.policies(policy('hosts', '{ action: DENY, rules: [{ to: [{ operation: { hosts: ["admin.svc"] } }] }] }'));
    for (const host of ['admin.svc', 'ADMIN.svc.', 'admin.svc:80']) expect([host, await mesh.status('/', `Host: ${host}\r\n`, 'plain')]).toEqual([host, '403']);
    expect(await mesh.status('http://admin.svc/x', 'Host: server\r\n', 'plain')).toBe('403');
    expect(await mesh.status('/', 'Host: server\r\nHost: admin.svc\r\n', 'plain')).toBe('400');
    expect(await mesh.status('/', 'Host: server, admin.svc\r\n', 'plain')).toBe('400');
  });

  test('what only the mesh may say is removed or replaced at plaintext inbound', async () => {
    await mesh.policies();
    await mesh.status('/seen', 'x-forwarded-client-cert: By=evil\r\nx_forwarded_client_cert: evil\r\nx-envoy-original-path: /evil\r\nx-weft-protocol: evil\r\nx-envoy-peer-metadata: evil\r\nContent_Length: 9\r\n', 'plain');
    expect(mesh.reached.at(-1)).toMatch(/^GET \/seen /);
    expect(mesh.reached.at(-1)).not.toMatch(/evil|content_length|x-envoy-(original|peer)|x-weft/i);
    await mesh.status('/mesh');
    expect(mesh.reached.at(-1)).toMatch(/x-forwarded-client-cert: By=spiffe:\/\/cluster\.local\/ns\/default\/sa\/server;[^\r]*URI=spiffe:\/\/cluster\.local\/ns\/default\/sa\/caller\r\n/i);
  });

  test('a header that comes twice, the allowed value first: both count', async () => {
    await mesh.policies(policy('a', '{ rules: [{ when: [{ key: "request.headers[x-role]", values: ["user"] }] }] }'));
    expect([await mesh.status('/', 'x-role: user\r\n'), await mesh.status('/', 'x-role: user\r\nx-role: admin\r\n')]).toEqual(['200', '403']);
    await mesh.policies(policy('d', '{ action: DENY, rules: [{ when: [{ key: "request.headers[x-role]", values: ["admin"] }] }] }'));
    expect([await mesh.status('/', 'x-role: user\r\nx-role: admin\r\n'), await mesh.status('/', 'x-role: user\r\nx-role: other\r\n')]).toEqual(['403', '200']);
  });

  test('hostile tokens are refused, without a fetch and without a slow path', async () => {
    let fetched = 0;
    const lure = createHttp((_request, response) => { fetched += 1; response.end('{}'); }).listen(0, '127.0.0.1');
    await once(lure, 'listening');
    const there = `http://127.0.0.1:${(lure.address() as AddressInfo).port}/`;
    const [own, stranger] = await Promise.all([generateKeyPair('RS256', { extractable: true }), generateKeyPair('RS256', { extractable: true })]);
    const jwks = JSON.stringify({ keys: [{ ...await exportJWK(own.publicKey), kid: 'one', alg: 'RS256' }] });
    await mesh.policies(`apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: { name: jwt, namespace: default }\nspec: { jwtRules: [{ issuer: me, audiences: [api], jwks: '${jwks}' }] }\n`);
    const part = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
    const sign = (claims: object = {}, header: object = {}, key = own.privateKey): Promise<string> => new SignJWT({ aud: 'api', iss: 'me', sub: 'ann', exp: Math.floor(Date.now() / 1000) + 300, ...claims }).setProtectedHeader({ alg: 'RS256', kid: 'one', ...header }).sign(key);
    const [, body = '', signature = ''] = (await sign()).split('.');
    const hmac = `${part({ alg: 'HS256', kid: 'one' })}.${body}`;
    const tokens: Readonly<Record<string, string>> = {
      none: `${part({ alg: 'none' })}.${body}.`, 'HS256 with the public key': `${hmac}.${createHmac('sha256', await exportSPKI(own.publicKey)).update(hmac).digest('base64url')}`,
      jku: await sign({}, { jku: there }, stranger.privateKey), x5u: await sign({}, { x5u: there }, stranger.privateKey), jwk: await sign({}, { jwk: await exportJWK(stranger.publicKey) }, stranger.privateKey),
      crit: `${part({ alg: 'RS256', kid: 'one', crit: ['x'], x: 1 })}.${body}.${signature}`, expired: await sign({ exp: 1 }), future: await sign({ nbf: 32_503_680_000 }),
      '__proto__': `${part({ alg: 'RS256', kid: 'one' })}.${part('{"__proto__":{"iss":"me","aud":"api"}}')}.${signature}`,
    };
    const bearer = (token: string): string => `authorization: Bearer ${token}\r\n`;
    expect(await mesh.status('/', bearer(await sign()))).toBe('200');
    for (const [name, token] of Object.entries(tokens)) expect([name, await mesh.status('/', bearer(token))]).toEqual([name, '401']);
    // Envoy's answer: the decision page says why.
    expect(await mesh.status('/', bearer(await sign({ aud: 'other' })))).toBe('403');
    expect(['431', '400']).toContain(await mesh.status('/', bearer('a'.repeat(1_000_000)), 'plain'));
    expect(fetched).toBe(0);
    lure.close();
  }, 30_000);

  test('the application’s port and the admin port, dialled straight from another pod: refused', async () => {
    await mesh.policies('apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: { name: default, namespace: istio-system }\nspec: { mtls: { mode: STRICT } }\n');
    const before = mesh.reached.length;
    expect(await mesh.plain('GET / HTTP/1.1\r\nHost: server\r\n\r\n')).toBe('');
    expect(mesh.reached).toHaveLength(before);
    const admin = await mesh.mesh.port('server', 15000);
    const outcome = await new Promise<string>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: admin, localAddress: '127.85.0.9' }, () => { socket.destroy(); resolve('connected'); });
      socket.on('error', (error: NodeJS.ErrnoException) => { resolve(error.code ?? 'error'); });
    });
    expect(outcome).toBe('ECONNREFUSED');
  });

  test('an allowed caller is allowed, so that none of the refusals above is for another reason', async () => {
    await mesh.policies(policy('a', `{ rules: ${fromCaller} }`));
    expect([await mesh.status('/'), await mesh.status('/', '', 'plain')]).toEqual(['200', '403']);
  });
});
