import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttp, type Server as HttpServer } from 'node:http';
import { createServer as createTls } from 'node:tls';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressInfo, Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCa, type FakeCa, type Leaf } from '../fakes/ca.ts';
import { run, startLiveMesh, type LiveMesh } from '../fakes/live-mesh.ts';
import { until } from '../fakes/wait.ts';

const ip = '127.77.8.2';
const secret = (name: string, data: Readonly<Record<string, string>>): string => JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'istio-system' }, stringData: data });
const gateway = (name: string, servers: readonly unknown[]): string => JSON.stringify({ apiVersion: 'networking.istio.io/v1', kind: 'Gateway', metadata: { name, namespace: 'default' }, spec: { selector: { istio: 'ingressgateway' }, servers } });
const virtualService = (name: string, spec: Readonly<Record<string, unknown>>): string => JSON.stringify({ apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name, namespace: 'default' }, spec });
const https = (host: string, tls: Readonly<Record<string, unknown>>, number = 443): unknown => ({ port: { number, name: `https-${host.replaceAll('.', '-')}`, protocol: 'HTTPS' }, hosts: [host], tls });

describe.skipIf(process.platform !== 'linux')('TLS at a gateway (needs all of 127/8, openssl and curl)', () => {
  let ca: FakeCa;
  let clients: FakeCa;
  let mesh: LiveMesh;
  let folder: string;
  const backends: (Server | HttpServer)[] = [];
  let backend: string;
  let routes: string;
  let tcp: string;

  const file = async (name: string, text: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  };
  /** curl for a host through the gateway: body and status, or `refused` when there was no response at all. */
  const curl = async (host: string, port: number, ...more: readonly string[]): Promise<string> => {
    const real = await mesh.port('gateway', port);
    const { output, code } = await run('curl', ['-sS', '-o', '-', '-w', ' %{http_code} %{redirect_url}', '--cacert', join(folder, 'ca.pem'), '--connect-to', `${host}:${port}:${ip}:${real}`, ...more, `https://${host}:${port}/hello`]);
    if (code === 0) return output.trim();
    // How curl puts it depends on when a refusal comes: in the handshake, or, with TLS 1.3, when it sends.
    return / 000 /.test(output) ? 'refused' : `exit ${code} after ${output}`;
  };
  const pem = (leaf: Leaf): Record<string, string> => ({ 'tls.crt': leaf.certificate, 'tls.key': leaf.key });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gateway-tls-'));
    [ca, clients] = await Promise.all([makeCa('site authority'), makeCa('client authority')]);
    await file('ca.pem', ca.root);
    const app = createHttp((request, response) => { response.end(`${request.headers.host ?? ''} ${request.headers['x-forwarded-proto'] as string} ${request.headers['x-forwarded-client-cert'] as string}`); }).listen(0, '127.0.0.1');
    const own = await ca.issue({ dns: ['passthrough.example.com'] });
    const secured = createTls({ cert: own.certificate, key: own.key }, (socket) => { socket.once('data', () => { socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nfrom the backend itself'); }); }).listen(0, '127.0.0.1');
    backends.push(app, secured);
    await until('the backends', () => backends.every(({ listening }) => listening));
    const [plain, tls] = backends.map((server) => (server.address() as AddressInfo).port);
    backend = JSON.stringify({
      apiVersion: 'networking.istio.io/v1', kind: 'ServiceEntry', metadata: { name: 'backend', namespace: 'default' },
      spec: { hosts: ['backend.example.net'], location: 'MESH_EXTERNAL', resolution: 'STATIC', endpoints: [{ address: '127.0.0.1', ports: { http: plain, tls } }], ports: [{ number: 80, name: 'http', protocol: 'HTTP' }, { number: 443, name: 'tls', protocol: 'TLS' }] },
    });
    const http = [{ route: [{ destination: { host: 'backend.example.net', port: { number: 80 } } }] }];
    routes = virtualService('http', { hosts: ['*'], gateways: ['edge'], http });
    tcp = virtualService('tls', {
      hosts: ['passthrough.example.com'], gateways: ['edge'], tls: [{ match: [{ port: 8443, sniHosts: ['passthrough.example.com'] }], route: [{ destination: { host: 'backend.example.net', port: { number: 443 } } }] }],
    });
    mesh = await startLiveMesh([{ name: 'gateway', namespace: 'istio-system', type: 'router', labels: { istio: 'ingressgateway' }, ip }]);
  }, 30_000);
  afterAll(async () => {
    await mesh?.close();
    for (const server of backends) server.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('several hosts on one port have their own certificates; a missing or unfit secret refuses its host only, and the lab says why', async () => {
    const [one, two, other] = await Promise.all([ca.issue({ dns: ['one.example.com'] }), ca.issue({ dns: ['two.example.com'] }), ca.issue({ dns: ['x'] })]);
    await mesh.apply(backend, routes,
      secret('one', pem(one)), secret('two', { cert: two.certificate, key: two.key }), secret('mixed', { 'tls.crt': one.certificate, 'tls.key': other.key }),
      gateway('edge', [https('one.example.com', { mode: 'SIMPLE', credentialName: 'one' }), https('two.example.com', { mode: 'SIMPLE', credentialName: 'two' }), https('three.example.com', { mode: 'SIMPLE', credentialName: 'three' }), https('four.example.com', { mode: 'SIMPLE', credentialName: 'mixed' })]));
    expect(await curl('one.example.com', 443)).toBe('one.example.com https undefined 200');
    expect(await curl('two.example.com', 443)).toBe('two.example.com https undefined 200');
    expect(await curl('three.example.com', 443)).toBe('refused');
    expect(await curl('four.example.com', 443)).toBe('refused');
    expect(await curl('five.example.com', 443)).toBe('refused');
    expect(await curl('one.example.com', 443, '-H', 'Host: two.example.com')).toMatch(/404$/);
    const said = (await mesh.lab.core.status()).diagnostics.find(({ code }) => code === 'WEFT0904')?.message ?? '';
    expect(said).toContain('there is no Secret istio-system/three');
    expect(said).toContain('istio-system/mixed cannot be used: the key is not the certificate’s');
    await until('the refusal on record', async () => (await mesh.lab.core.records({})).some(({ details }) => details.includes('kubernetes://three')));
    const three = await ca.issue({ dns: ['three.example.com'] });
    await mesh.apply(backend, routes, secret('three', pem(three)), gateway('edge', [https('three.example.com', { mode: 'SIMPLE', credentialName: 'three' })]));
    expect(await curl('three.example.com', 443)).toContain('200');
    expect((await mesh.lab.core.status()).diagnostics.filter(({ code }) => code === 'WEFT0904')).toEqual([]);
  });

  test('MUTUAL wants a certificate of its authority, OPTIONAL_MUTUAL judges one that is shown, and a revoked one counts no more', async () => {
    const site = await ca.issue({ dns: ['mutual.example.com'] });
    const [good, revoked, foreign] = await Promise.all([clients.issue({ dns: ['client'] }), clients.issue({ dns: ['revoked'] }), ca.issue({ dns: ['client'] })]);
    const as = async (name: string, leaf: Leaf): Promise<readonly string[]> => ['--cert', await file(`${name}.crt`, leaf.certificate), '--key', await file(`${name}.key`, leaf.key)];
    const [goodArgs, revokedArgs, foreignArgs] = await Promise.all([as('good', good), as('revoked', revoked), as('foreign', foreign)]);
    const crl = await clients.revoke([revoked]);
    const servers = gateway('edge', [
      https('mutual.example.com', { mode: 'MUTUAL', credentialName: 'mutual' }), https('optional.example.com', { mode: 'OPTIONAL_MUTUAL', credentialName: 'optional' }),
      https('pinned.example.com', { mode: 'MUTUAL', credentialName: 'mutual', subjectAltNames: ['somebody'] }), https('listed.example.com', { mode: 'MUTUAL', credentialName: 'listed' }),
    ]);
    const all = { cert: site.certificate, key: site.key, cacert: clients.root };
    await mesh.apply(backend, routes, servers, secret('mutual', pem(site)), secret('mutual-cacert', { cacert: clients.root }), secret('optional', all), secret('listed', { ...pem(site), 'ca.crt': clients.root, 'ca.crl': crl }));
    expect(await curl('mutual.example.com', 443, '-k')).toBe('refused');
    expect(await curl('mutual.example.com', 443, '-k', ...goodArgs)).toMatch(/200$/);
    expect(await curl('mutual.example.com', 443, '-k', ...foreignArgs)).toBe('refused');
    expect(await curl('optional.example.com', 443, '-k')).toMatch(/200$/);
    expect(await curl('optional.example.com', 443, '-k', ...goodArgs)).toMatch(/200$/);
    expect(await curl('optional.example.com', 443, '-k', ...foreignArgs)).toBe('refused');
    expect(await curl('pinned.example.com', 443, '-k', ...goodArgs)).toBe('refused');
    expect(await curl('mutual.example.com', 443, '-k', ...revokedArgs)).toMatch(/200$/);
    expect(await curl('listed.example.com', 443, '-k', ...goodArgs)).toMatch(/200$/);
    expect(await curl('listed.example.com', 443, '-k', ...revokedArgs)).toBe('refused');
  });

  test('versions and suites are those that the server allows', async () => {
    const [rsaFree, strict] = await Promise.all([ca.issue({ dns: ['suite.example.com'] }), ca.issue({ dns: ['strict.example.com'] })]);
    await mesh.apply(backend, routes, secret('suite', pem(rsaFree)), secret('strict', pem(strict)), gateway('edge', [
      https('strict.example.com', { mode: 'SIMPLE', credentialName: 'strict', minProtocolVersion: 'TLSV1_3' }),
      https('suite.example.com', { mode: 'SIMPLE', credentialName: 'suite', maxProtocolVersion: 'TLSV1_2', cipherSuites: ['ECDHE-ECDSA-AES256-GCM-SHA384'] }),
      https('old.example.com', { mode: 'SIMPLE', credentialName: 'suite', minProtocolVersion: 'TLSV1_0', maxProtocolVersion: 'TLSV1_1' }),
    ]));
    const port = await mesh.port('gateway', 443);
    const dial = async (host: string, ...more: readonly string[]): Promise<string> => (await run('openssl', ['s_client', '-connect', `${ip}:${port}`, '-servername', host, '-CAfile', join(folder, 'ca.pem'), '-verify_return_error', '-brief', ...more])).output;
    expect(await dial('strict.example.com')).toMatch(/Protocol version: TLSv1\.3[^]*Verification: OK/);
    expect(await dial('strict.example.com', '-tls1_2')).not.toContain('CONNECTION ESTABLISHED');
    expect(await dial('suite.example.com')).toMatch(/Protocol version: TLSv1\.2\nCiphersuite: ECDHE-ECDSA-AES256-GCM-SHA384/);
    expect(await dial('suite.example.com', '-cipher', 'ECDHE-ECDSA-AES128-GCM-SHA256', '-tls1_2')).not.toContain('CONNECTION ESTABLISHED');
    expect(await dial('old.example.com')).not.toContain('CONNECTION ESTABLISHED');
    expect(await dial('strict.example.com', '-alpn', 'h3,http/1.1')).toContain('CONNECTION ESTABLISHED');
  });

  test('TLS passes through by SNI, is terminated for TCP, and plain HTTP is sent to HTTPS', async () => {
    const site = await ca.issue({ dns: ['terminated.example.com', 'redirect.example.com'] });
    const terminated = virtualService('terminated', { hosts: ['terminated.example.com'], gateways: ['edge'], tcp: [{ match: [{ port: 9443 }], route: [{ destination: { host: 'backend.example.net', port: { number: 80 } } }] }] });
    await mesh.apply(backend, tcp, terminated, routes, secret('site', pem(site)), gateway('edge', [
      { port: { number: 8443, name: 'tls', protocol: 'TLS' }, hosts: ['passthrough.example.com'], tls: { mode: 'PASSTHROUGH' } },
      { port: { number: 9443, name: 'tls-tcp', protocol: 'TLS' }, hosts: ['terminated.example.com'], tls: { mode: 'SIMPLE', credentialName: 'site' } },
      { port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['redirect.example.com'], tls: { httpsRedirect: true } },
      https('redirect.example.com', { mode: 'SIMPLE', credentialName: 'site' }),
    ]));
    expect(await curl('passthrough.example.com', 8443)).toContain('from the backend itself 200');
    expect(await curl('other.example.com', 8443)).toBe('refused');
    expect(await curl('terminated.example.com', 9443)).toMatch(/^terminated\.example\.com:9443 .*200$/);
    const real = await mesh.port('gateway', 80);
    const plain = async (...more: readonly string[]): Promise<string> => (await run('curl', ['-sS', '-o', '/dev/null', '-w', '%{http_code} %{redirect_url}', '--connect-to', `redirect.example.com:80:${ip}:${real}`, ...more, 'http://redirect.example.com/a?b=c'])).output.trim();
    expect(await plain()).toBe('301 https://redirect.example.com/a?b=c');
    expect(await plain('-H', 'x-forwarded-proto: https')).toBe('301 https://redirect.example.com/a?b=c');
    expect(await curl('redirect.example.com', 443)).toContain('https undefined 200');
  });

  test('the mesh config says what becomes of client certificates, and that connections are announced by a proxy in front', async () => {
    const site = await ca.issue({ dns: ['mutual.example.com'] });
    const client = await clients.issue({ dns: ['client'] });
    const args = ['-k', '--cert', await file('topology.crt', client.certificate), '--key', await file('topology.key', client.key), '-H', 'x-forwarded-client-cert: By=front'];
    const applied = async (gatewayTopology: object): Promise<void> => {
      await mesh.apply(backend, routes, secret('mutual', { ...pem(site), 'ca.crt': clients.root }), gateway('edge', [https('mutual.example.com', { mode: 'MUTUAL', credentialName: 'mutual' })]),
        JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'istio', namespace: 'istio-system' }, data: { mesh: JSON.stringify({ defaultConfig: { gatewayTopology } }) } }));
    };
    const hash = new X509Certificate(client.certificate).fingerprint256.replaceAll(':', '').toLowerCase();
    await applied({});
    expect(await curl('mutual.example.com', 443, ...args)).toMatch(new RegExp(` https Hash=${hash};Subject="[^"]*" 200$`));
    await applied({ forwardClientCertDetails: 'APPEND_FORWARD' });
    expect(await curl('mutual.example.com', 443, ...args)).toMatch(new RegExp(` https By=front,Hash=${hash};Subject="[^"]*" 200$`));
    await applied({ forwardClientCertDetails: 'SANITIZE', proxyProtocol: {} });
    expect(await curl('mutual.example.com', 443, ...args)).toBe('refused');
    await until('the refusal on record', async () => (await mesh.lab.core.records({})).some(({ details }) => details === 'proxy_protocol_header_missing'));
    expect(await curl('mutual.example.com', 443, ...args, '--haproxy-protocol')).toMatch(/ https undefined 200$/);
  });

  test('a listener that contradicts itself is refused by itself: the others change', async () => {
    const site = await ca.issue({ dns: ['good.example.com'] });
    const twice = (namespace: string): string => JSON.stringify({ apiVersion: 'networking.istio.io/v1', kind: 'Gateway', metadata: { name: 'twice', namespace }, spec: { selector: { istio: 'ingressgateway' }, servers: [https('./*', { mode: 'SIMPLE', credentialName: 'site' }, 7443)] } });
    await mesh.apply(backend, routes, secret('site', pem(site)), twice('default'), twice('other'), gateway('edge', [https('good.example.com', { mode: 'SIMPLE', credentialName: 'site' })]));
    expect((await mesh.lab.core.status()).proxies[0]?.rejected).toMatch(/0\.0\.0\.0_7443.*multiple filter chains/);
    expect(await curl('good.example.com', 443)).toContain('200');
  });
});
