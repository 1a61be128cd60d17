import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SourceFile } from '../../src/manifest/index.ts';
import { makeCa, type FakeCa, type Leaf } from '../fakes/ca.ts';
import { hasPeer, noEngine, sample, startLab, until, type TestLab } from './support/index.ts';
import { curl } from './support/outside.ts';

const why = noEngine ?? (hasPeer ? undefined : 'Istio’s sample files are not here');
const resource = (apiVersion: string, kind: string, name: string, body: Readonly<Record<string, unknown>>, namespace = 'default'): SourceFile => ({ path: `${kind}-${name}.yaml`, text: JSON.stringify({ apiVersion, kind, metadata: { name, namespace }, ...body }) });
const networking = (kind: string, name: string, spec: unknown): SourceFile => resource('networking.istio.io/v1', kind, name, { spec });
const credential = (name: string, data: Readonly<Record<string, string>>): SourceFile => resource('v1', 'Secret', name, { stringData: data }, 'istio-system');
const pair = ({ certificate, key }: Leaf): Readonly<Record<string, string>> => ({ 'tls.crt': certificate, 'tls.key': key });

const httpbin = 'httpbin.example.com';
const helloworld = 'helloworld.example.com';
const nginx = 'nginx.example.com';
const server = (host: string, tls: unknown): unknown => ({ port: { number: 443, name: `https-${host.split('.')[0] ?? ''}`, protocol: 'HTTPS' }, hosts: [host], tls });
const gateway = (...servers: readonly unknown[]): SourceFile => networking('Gateway', 'mygateway', { selector: { istio: 'ingressgateway' }, servers });
const toHttpbin = networking('VirtualService', 'httpbin', { hosts: [httpbin], gateways: ['mygateway'], http: [{ match: [{ uri: { prefix: '/status' } }, { uri: { prefix: '/delay' } }, { uri: { prefix: '/headers' } }], route: [{ destination: { host: 'httpbin', port: { number: 8000 } } }] }] });
const toHelloworld = networking('VirtualService', 'helloworld', { hosts: [helloworld], gateways: ['mygateway'], http: [{ match: [{ uri: { exact: '/hello' } }], route: [{ destination: { host: 'helloworld', port: { number: 5000 } } }] }] });

/** A server in the mesh that terminates TLS by itself, as the page's NGINX does. */
const ownTls = (leaf: Leaf): readonly SourceFile[] => [
  resource('v1', 'Secret', 'nginx-server-certs', { stringData: pair(leaf) }),
  resource('v1', 'Service', 'my-nginx', { spec: { selector: { run: 'my-nginx' }, ports: [{ port: 443, name: 'https' }] } }),
  resource('apps/v1', 'Deployment', 'my-nginx', {
    spec: {
      selector: { matchLabels: { run: 'my-nginx' } },
      template: {
        metadata: { labels: { run: 'my-nginx' } },
        spec: {
          containers: [{
            name: 'my-nginx', image: 'curlimages/curl', ports: [{ containerPort: 443 }], volumeMounts: [{ name: 'certs', mountPath: '/etc/nginx-server-certs', readOnly: true }],
            command: ['node', '-e', 'const read=(n)=>require("fs").readFileSync("/etc/nginx-server-certs/"+n);require("https").createServer({cert:read("tls.crt"),key:read("tls.key")},(q,s)=>s.end("Welcome to nginx! "+q.socket.servername)).listen(443)'],
          }],
          volumes: [{ name: 'certs', secret: { secretName: 'nginx-server-certs' } }],
        },
      },
    },
  }),
];

const inTest = (files: readonly SourceFile[]): readonly SourceFile[] => files.map((one) => ({ ...one, path: `test/${one.path}`, namespace: 'test' }));

/** httpbin whose sidecar terminates TLS on 9080, as `https` of its Service, and takes the mesh's own traffic on 9090. */
const ownSidecar = (leaf: Leaf, clientRoot: string): readonly SourceFile[] => {
  const labels = { app: 'httpbin-own' };
  const peers = (name: string, spec: unknown): SourceFile => resource('security.istio.io/v1', 'PeerAuthentication', name, { spec }, 'test');
  const annotations = {
    'sidecar.istio.io/userVolume': '[{"name":"tls-secret","secret":{"secretName":"httpbin-mtls-termination-cacert"}}]', 'sidecar.istio.io/userVolumeMount': '[{"name":"tls-secret","mountPath":"/etc/istio/tls-certs","readOnly":true}]',
  };
  return [
    peers('default', { mtls: { mode: 'STRICT' } }), peers('disable-peer-auth', { selector: { matchLabels: labels }, mtls: { mode: 'STRICT' }, portLevelMtls: { 9080: { mode: 'DISABLE' } } }),
    resource('v1', 'Secret', 'httpbin-mtls-termination-cacert', { stringData: { ...pair(leaf), 'ca.crt': clientRoot } }, 'test'),
    resource('v1', 'Service', 'httpbin-own', { spec: { selector: labels, ports: [{ port: 8443, name: 'https', targetPort: 9080 }, { port: 8080, name: 'http', targetPort: 9090 }] } }, 'test'),
    resource('apps/v1', 'Deployment', 'httpbin-own', { spec: { selector: { matchLabels: labels }, template: { metadata: { labels, annotations }, spec: { containers: [{ name: 'httpbin', image: 'docker.io/kennethreitz/httpbin', ports: [{ containerPort: 80 }] }] } } } }, 'test'),
  ];
};
/** What the sidecar listens on. */
const ingressOf = (mode: 'SIMPLE' | 'MUTUAL'): SourceFile => resource('networking.istio.io/v1', 'Sidecar', 'ingress-sidecar', {
  spec: {
    workloadSelector: { labels: { app: 'httpbin-own' } },
    ingress: [
      { port: { number: 9080, protocol: 'HTTPS', name: 'external' }, bind: '0.0.0.0', defaultEndpoint: '0.0.0.0:80', tls: { mode, privateKey: '/etc/istio/tls-certs/tls.key', serverCertificate: '/etc/istio/tls-certs/tls.crt', caCertificates: '/etc/istio/tls-certs/ca.crt' } },
      { port: { number: 9090, protocol: 'HTTP', name: 'internal' }, bind: '0.0.0.0', defaultEndpoint: '0.0.0.0:80' },
    ],
  },
}, 'test');
const sidecarHost = 'httpbin-own.test.svc.cluster.local';
/** A client outside of the mesh that has a certificate. */
const externalClient = (client: Leaf, root: string): readonly SourceFile[] => [
  resource('v1', 'Secret', 'client-certs', { stringData: { ...pair(client), 'ca.crt': root } }),
  resource('v1', 'Pod', 'external', { metadata: { name: 'external', namespace: 'default', labels: { app: 'external' }, annotations: { 'sidecar.istio.io/inject': 'false' } }, spec: { containers: [{ name: 'curl', image: 'curlimages/curl', command: ['sleep', 'infinity'], volumeMounts: [{ name: 'certs', mountPath: '/certs', readOnly: true }] }], volumes: [{ name: 'certs', secret: { secretName: 'client-certs' } }] } }),
];

describe.skipIf(why !== undefined)(`Istio’s task pages on TLS at the ingress${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let lab: TestLab;
  let ca: FakeCa;
  let folder: string;
  let published: readonly { readonly port: number; readonly hostPort: number }[] = [];
  const portOf = (port: number): number => published.find((one) => one.port === port)?.hostPort ?? 0;

  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  /** curl from this machine: body and status, or `exit N`. */
  const get = async (host: string, path: string, ...more: readonly string[]): Promise<string> =>
    (await curl('--cacert', join(folder, 'ca.pem'), '--connect-to', `${host}:443:127.0.0.1:${portOf(443)}`, '-w', ' %{http_code}', ...more, `https://${host}${path}`)).trim();
  const eventually = async (host: string, path: string, wanted: RegExp, ...more: readonly string[]): Promise<void> => {
    let last = '';
    await until(`${host}${path} to give ${String(wanted)}`, async () => wanted.test(last = await get(host, path, ...more)), 20_000).catch((error: unknown) => { throw new Error(`${String(error)}; last: ${last}`); });
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ingress-tls-'));
    ca = await makeCa('example authority');
    await file('ca.pem', ca.root);
    const first = await ca.issue({ dns: [httpbin] });
    lab = await startLab('tls-ingress', [
      ...sample('httpbin/httpbin.yaml', 'helloworld/helloworld.yaml'), ...ownTls(await ca.issue({ dns: [nginx] })),
      ...ownSidecar(await ca.issue({ dns: [sidecarHost] }), ca.root), ...externalClient(await ca.issue({ dns: ['client.example.com'] }), ca.root), ...inTest(sample('curl/curl.yaml')), ingressOf('SIMPLE'),
      credential('httpbin-credential', pair(first)), toHttpbin, gateway(server(httpbin, { mode: 'SIMPLE', credentialName: 'httpbin-credential' })),
    ]);
    await lab.synced();
    published = (await lab.status()).ingress;
  }, 180_000);
  afterAll(async () => {
    await lab?.down();
    await rm(folder, { recursive: true, force: true });
  });

  it('secure gateways: a TLS ingress gateway for one host, and its certificate replaced', async () => {
    await eventually(httpbin, '/status/418', /418$/);
    expect(await get(httpbin, '/status/418', '--tlsv1.3')).toMatch(/418$/);
    const other = await makeCa('new authority');
    await lab.apply([credential('httpbin-credential', pair(await other.issue({ dns: [httpbin] })))]);
    await eventually(httpbin, '/status/418', /exit 60/);
    await file('new.pem', other.root);
    expect(await get(httpbin, '/status/418', '--cacert', join(folder, 'new.pem'))).toMatch(/418$/);
  });

  it('secure gateways: several hosts, and mutual TLS', async () => {
    const certificates = await Promise.all([httpbin, helloworld].map((host) => ca.issue({ dns: [host] })));
    const [forHttpbin, forHelloworld] = certificates as [Leaf, Leaf];
    await lab.apply([
      credential('httpbin-credential', pair(forHttpbin)), credential('helloworld-credential', pair(forHelloworld)), toHelloworld,
      gateway(server(httpbin, { mode: 'SIMPLE', credentialName: 'httpbin-credential' }), server(helloworld, { mode: 'SIMPLE', credentialName: 'helloworld-credential' })),
    ]);
    await eventually(helloworld, '/hello', /Hello version: v[12].*200$/s);
    await eventually(httpbin, '/status/418', /418$/);
    const client = await ca.issue({ dns: ['client.example.com'] });
    const args = ['--cert', await file('client.crt', client.certificate), '--key', await file('client.key', client.key)];
    await lab.apply([
      credential('httpbin-credential', { ...pair(forHttpbin), 'ca.crt': ca.root }),
      gateway(server(httpbin, { mode: 'MUTUAL', credentialName: 'httpbin-credential' })),
    ]);
    await eventually(httpbin, '/status/418', /^exit \d+$/);
    await eventually(httpbin, '/status/418', /418$/, ...args);
    await lab.delete([toHelloworld]);
  });

  it('ingress without TLS termination: SNI passthrough to a server with a certificate of its own', async () => {
    await lab.apply([
      gateway({ port: { number: 443, name: 'https', protocol: 'HTTPS' }, tls: { mode: 'PASSTHROUGH' }, hosts: [nginx] }),
      networking('VirtualService', 'nginx', { hosts: [nginx], gateways: ['mygateway'], tls: [{ match: [{ port: 443, sniHosts: [nginx] }], route: [{ destination: { host: 'my-nginx', port: { number: 443 } } }] }] }),
    ]);
    await eventually(nginx, '/', /Welcome to nginx! nginx\.example\.com 200$/);
    await until('records of TCP with mTLS around the passed TLS', async () => (await lab.records({ service: 'my-nginx' })).some((record) => record.protocol === 'tcp' && record.mtls && record.proxy.includes('ingressgateway')));
    expect(await get(httpbin, '/status/418')).toMatch(/^exit \d+$/);
  });

  it('ingress gateways: plain HTTP is redirected to HTTPS', async () => {
    await lab.apply([gateway({ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: [httpbin], tls: { httpsRedirect: true } }, server(httpbin, { mode: 'SIMPLE', credentialName: 'httpbin-credential' }))]);
    published = (await lab.status()).ingress;
    const plain = async (...more: readonly string[]): Promise<string> => (await curl('-o', '/dev/null', '-w', '%{http_code} %{redirect_url}', '--connect-to', `${httpbin}:80:127.0.0.1:${portOf(80)}`, ...more, `http://${httpbin}/headers?a=b`)).trim();
    await until('the redirect', async () => (await plain()) === `301 https://${httpbin}/headers?a=b`);
    expect(await plain('-H', 'x-forwarded-proto: https')).toMatch(/^301 /);
    await eventually(httpbin, '/headers', /"X-Forwarded-Proto"[^]*https[^]*200$/i);
  });

  it('ingress sidecar TLS termination: the sidecar of the server speaks the TLS of the world outside, and mTLS with the mesh', async () => {
    const outside = async (...more: readonly string[]): Promise<string> => {
      const { output, exitCode } = await lab.exec('external', 'curl', '-s', '-m', '5', '--cacert', '/certs/ca.crt', '-w', ' %{http_code}', ...more);
      return exitCode === 0 ? output.trim() : `exit ${exitCode}`;
    };
    const mutual = ['--cert', '/certs/tls.crt', '--key', '/certs/tls.key'];
    const secure = `https://${sidecarHost}:8443/status/200`;
    let last = '';
    await until('TLS with the certificate of the server', async () => (last = await outside(secure)) === '200', 20_000).catch((error: unknown) => { throw new Error(`${String(error)}; last: ${last}`); });
    expect(await outside(`http://${sidecarHost}:8080/status/200`)).toMatch(/^exit (52|56)$/);
    expect((await lab.exec('test/curl', 'curl', '-s', '-m', '5', '-o', '/dev/null', '-w', '%{http_code}', `http://${sidecarHost}:8080/status/200`)).output).toBe('200');
    await until('a record of each, the one inside of the mesh with mTLS', async () => {
      const seen = (await lab.records({ text: '/status/200' })).filter(({ reporter, destination }) => reporter === 'destination' && destination.app === 'httpbin-own');
      return seen.some(({ mtls, source }) => mtls && source.app === 'curl') && seen.some(({ mtls }) => !mtls);
    });
    await lab.apply([ingressOf('MUTUAL')]);
    await until('callers without a certificate to be refused', async () => /^exit \d+$/.test(await outside(secure)), 20_000);
    expect(await outside(secure, ...mutual)).toBe('200');
  });

  it('Kubernetes Ingress: a host and a path by annotation, then by class, and TLS of a Secret', async () => {
    const path = { path: '/status', pathType: 'Prefix', backend: { service: { name: 'httpbin', port: { number: 8000 } } } };
    const ingress = (spec: Readonly<Record<string, unknown>>, annotations: Readonly<Record<string, string>> = {}): SourceFile =>
      resource('networking.k8s.io/v1', 'Ingress', 'ingress', { metadata: { name: 'ingress', namespace: 'default', annotations }, spec: { rules: [{ host: httpbin, http: { paths: [path] } }], ...spec } });
    const plain = async (at: string, host = httpbin): Promise<string> => (await curl('-o', '/dev/null', '-w', '%{http_code}', '--connect-to', `${host}:80:127.0.0.1:${portOf(80)}`, `http://${host}${at}`)).trim();
    await lab.delete([toHttpbin, gateway()]);
    await lab.apply([ingress({}, { 'kubernetes.io/ingress.class': 'istio' })]);
    published = (await lab.status()).ingress;
    await until('the path of the Ingress', async () => (await plain('/status/202')) === '202', 20_000);
    expect([await plain('/headers'), await plain('/status/202', 'other.example.com')]).toEqual(['404', '404']);
    await lab.apply([resource('networking.k8s.io/v1', 'IngressClass', 'mesh', { spec: { controller: 'istio.io/ingress-controller' } }), ingress({ ingressClassName: 'nginx' })]);
    await until('somebody else’s class', async () => (await plain('/status/202')) !== '202', 20_000);
    await lab.apply([credential('httpbin-credential', pair(await ca.issue({ dns: [httpbin] }))), ingress({ ingressClassName: 'mesh', tls: [{ hosts: [httpbin], secretName: 'httpbin-credential' }] })]);
    published = (await lab.status()).ingress;
    await eventually(httpbin, '/status/418', /418$/);
    await eventually(httpbin, '/headers', /404$/);
    expect(await plain('/status/202')).toBe('202');
  });
});
