import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SourceFile } from '../../src/manifest/index.ts';
import { makeCa, type FakeCa, type Leaf } from '../fakes/ca.ts';
import { get, noEngine, startLab, until, type TestLab } from './support/index.ts';

const api = 'gateway.networking.k8s.io/v1';
const resource = (apiVersion: string, kind: string, name: string, body: Readonly<Record<string, unknown>>): SourceFile => ({ path: `${kind}-${name}.yaml`, text: JSON.stringify({ apiVersion, kind, metadata: { name, namespace: 'shop' }, ...body }) });
const pair = ({ certificate, key }: Leaf): Readonly<Record<string, string>> => ({ 'tls.crt': certificate, 'tls.key': key });
const host = 'echo.example.com';

const gateway = (certificate?: string): SourceFile => resource(api, 'Gateway', 'web', {
  spec: { gatewayClassName: 'istio', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }], ...(certificate === undefined ? {} : { tls: { backend: { clientCertificateRef: { name: certificate } } } }) },
});
const route = resource(api, 'HTTPRoute', 'echo', { spec: { parentRefs: [{ name: 'web' }], rules: [{ matches: [{ path: { value: '/careful' } }], backendRefs: [{ name: 'careful', port: 443 }] }, { backendRefs: [{ name: 'echo', port: 443 }] }] } });
const policy = (name: string, validation: Readonly<Record<string, unknown>>): SourceFile => resource(api, 'BackendTLSPolicy', name, { spec: { targetRefs: [{ group: '', kind: 'Service', name }], validation } });
const trusted = (authority: string, hostname = host): Readonly<Record<string, unknown>> => ({ hostname, caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: authority }] });

/** A server that speaks TLS alone, to callers with a certificate where it has their authority. */
const server = (name: string, careful: boolean): readonly SourceFile[] => [
  resource('v1', 'Service', name, { spec: { selector: { app: name }, ports: [{ name: 'https', port: 443, targetPort: 8443 }] } }),
  resource('apps/v1', 'Deployment', name, {
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name, 'sidecar.istio.io/inject': 'false' } },
        spec: {
          containers: [{
            name: 'echo', image: 'registry.k8s.io/gateway-api/conformance/echo-basic:v0.1.0', volumeMounts: [{ name: 'own', mountPath: '/etc/own' }, { name: 'clients', mountPath: '/etc/clients' }],
            env: [{ name: 'TLS_SERVER_CERT', value: '/etc/own/tls.crt' }, { name: 'TLS_SERVER_PRIVKEY', value: '/etc/own/tls.key' }, ...(careful ? [{ name: 'TLS_CLIENT_CACERTS', value: '/etc/clients/ca.crt' }] : [])],
          }],
          volumes: [{ name: 'own', secret: { secretName: 'server' } }, { name: 'clients', configMap: { name: 'authority' } }],
        },
      },
    },
  }),
];

interface Echo { readonly tls?: { readonly serverName?: string; readonly peerCertificates?: readonly string[] } }

describe.skipIf(noEngine !== undefined)(`TLS from a gateway to its backends${noEngine === undefined ? '' : `: ${noEngine}`}`, () => {
  let lab: TestLab;
  let ca: FakeCa;
  let client: Leaf;

  beforeAll(async () => {
    ca = await makeCa('backends');
    client = await ca.issue({ dns: ['gateway'] });
    lab = await startLab('backend-tls', [
      resource('v1', 'Secret', 'server', { stringData: pair(await ca.issue({ dns: [host] })) }), resource('v1', 'Secret', 'client', { stringData: pair(client) }),
      resource('v1', 'ConfigMap', 'authority', { data: { 'ca.crt': ca.root } }), resource('v1', 'ConfigMap', 'stranger', { data: { 'ca.crt': (await makeCa('strangers')).root } }),
      gateway(), route, ...server('echo', false), ...server('careful', true),
    ]);
  }, 240_000);
  afterAll(async () => { await lab?.down(); });

  const ask = async (path: string): Promise<{ readonly status: number; readonly tls: Echo['tls'] }> => {
    const open = (await lab.status()).ingress.find(({ gateway: name }) => name === 'shop/web-istio');
    const { status, body } = await get(new URL(path, `http://127.0.0.1:${open?.hostPort ?? 0}`), {});
    return { status, tls: status === 200 ? (JSON.parse(body) as Echo).tls : undefined };
  };
  const settles = async (path: string, status: number): Promise<Echo['tls']> => {
    let tls: Echo['tls'];
    await until(`${status} from ${path}`, async () => { const answer = await ask(path); tls = answer.tls; return answer.status === status; }, 20_000);
    return tls;
  };
  const accepted = async (name: string): Promise<readonly string[]> => {
    const [written] = await lab.core.get({ lab: lab.name, kind: 'BackendTLSPolicy', name, namespace: 'shop' });
    const { ancestors } = written?.['status'] as { readonly ancestors: readonly { readonly conditions: readonly { readonly type: string; readonly status: string; readonly reason: string }[] }[] };
    return ancestors.flatMap(({ conditions }) => conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`));
  };

  it('begins with a policy: by its hostname, verified by its authority', async () => {
    expect((await ask('/')).status).not.toBe(200);
    await lab.apply([policy('echo', trusted('authority'))]);
    expect((await settles('/', 200))?.serverName).toBe(host);
    expect(await accepted('echo')).toEqual(['Accepted True Accepted', 'ResolvedRefs True ResolvedRefs']);
  }, 60_000);

  it('fails where the server is not who it should be, or nobody is to be trusted', async () => {
    await lab.apply([policy('echo', trusted('authority', 'another.example.com'))]);
    await settles('/', 503);
    await lab.apply([policy('echo', trusted('stranger'))]);
    await settles('/', 503);
    await lab.apply([policy('echo', trusted('gone'))]);
    await settles('/', 503);
    expect(await accepted('echo')).toEqual(['Accepted False NoValidCACertificate', 'ResolvedRefs False InvalidCACertificateRef']);
    await lab.apply([policy('echo', { ...trusted('authority', 'another.example.com'), subjectAltNames: [{ type: 'Hostname', hostname: host }] })]);
    expect((await settles('/', 200))?.serverName).toBe('another.example.com');
  }, 120_000);

  it('shows the gateway’s own certificate to servers that ask for one', async () => {
    await lab.apply([policy('careful', trusted('authority'))]);
    await settles('/careful', 503);
    await lab.apply([gateway('client')]);
    const tls = await settles('/careful', 200);
    expect(tls?.peerCertificates?.map((pem) => pem.trim())).toEqual([client.certificate.trim()]);
  }, 60_000);
});
