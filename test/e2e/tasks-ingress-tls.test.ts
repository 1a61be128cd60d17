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
});
