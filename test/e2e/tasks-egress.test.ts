import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SourceFile } from '../../src/manifest/index.ts';
import { makeCa, type FakeCa } from '../fakes/ca.ts';
import { hasPeer, noEngine, sample, startLab, until, type TestLab } from './support/index.ts';
import { startOutside, type Outside } from './support/outside.ts';

const why = noEngine ?? (hasPeer ? undefined : 'Istio’s sample files are not here');
const networking = (kind: string, name: string, spec: unknown, namespace = 'default'): SourceFile => ({
  path: `${kind}-${name}.yaml`, text: JSON.stringify({ apiVersion: 'networking.istio.io/v1', kind, metadata: { name, namespace }, spec }),
});
const secret = (name: string, namespace: string, data: Readonly<Record<string, string>>): SourceFile => ({ path: `secret-${namespace}-${name}.yaml`, text: JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, stringData: data }) });
const policy = (mode: string): SourceFile => ({ path: 'mesh.yaml', text: `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: istio\n  namespace: istio-system\ndata:\n  mesh: |\n    outboundTrafficPolicy:\n      mode: ${mode}\n` });

const host = 'news.example.org';
const bank = 'bank.example.org';
const pedia = ['en.pedia.example', 'de.pedia.example'] as const;
const gatewayHost = 'istio-egressgateway.istio-system.svc.cluster.local';
const entry = (ports: readonly unknown[], name = host): SourceFile => networking('ServiceEntry', name.replaceAll('.', '-'), { hosts: [name], ports, location: 'MESH_EXTERNAL', resolution: 'DNS' });
const http = { number: 80, name: 'http', protocol: 'HTTP' };
const httpToTls = { ...http, targetPort: 443 };
const tls = { number: 443, name: 'tls', protocol: 'TLS' };
const https = { number: 443, name: 'https', protocol: 'HTTPS' };
const to = (name: string, number: number, subset?: string): unknown => ({ destination: { host: name, port: { number }, ...(subset === undefined ? {} : { subset }) } });
const egress = (servers: readonly unknown[]): SourceFile => networking('Gateway', 'istio-egressgateway', { selector: { istio: 'egressgateway' }, servers });
const both = ['istio-egressgateway', 'mesh'];

describe.skipIf(why !== undefined)(`Istio’s task pages on egress${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let lab: TestLab;
  let outside: Outside | undefined;
  let ca: FakeCa;

  beforeAll(async () => {
    ca = await makeCa('authority of the world outside');
    lab = await startLab('tls-egress', sample('curl/curl.yaml'));
    outside = await startOutside({ lab: lab.name, hosts: [host, bank, ...pedia, 'www.pedia.example'], certificate: await ca.issue({ dns: [host, bank, '*.pedia.example'] }), clientRoot: ca.root });
    await lab.synced();
  }, 180_000);
  afterAll(async () => {
    await outside?.stop();
    await lab?.down();
  });

  /** curl in the sample’s pod: body and status, or `exit N`. */
  const curl = async (url: string, ...more: readonly string[]): Promise<string> => {
    const { output, exitCode } = await lab.exec('curl', 'curl', '-s', '-k', '-m', '8', '-w', ' %{http_code}', ...more, url);
    return exitCode === 0 ? output.trim() : `exit ${exitCode}`;
  };
  const eventually = async (url: string, wanted: RegExp): Promise<void> => {
    let last = '';
    await until(`${url} to give ${String(wanted)}`, async () => wanted.test(last = await curl(url)), 20_000).catch((error: unknown) => { throw new Error(`${String(error)}; last: ${last}`); });
  };
  /** A record of the egress gateway for this path or server name. */
  const passed = async (matches: (record: Awaited<ReturnType<TestLab['records']>>[number]) => boolean): Promise<void> => {
    await until('a record of the egress gateway', async () => (await lab.records()).some((record) => record.proxy.includes('istio-egressgateway') && matches(record)));
  };

  it('accessing external services: let through, blocked, and declared with a timeout', async () => {
    expect(await curl(`http://${host}/free`)).toBe(`outside plain ${host} /free   200`);
    expect(await curl(`https://${host}/free`)).toContain(`outside tls ${host} /free ${host}`);
    await lab.apply([policy('REGISTRY_ONLY')]);
    expect(await curl(`http://${host}/`)).toMatch(/^502$/);
    expect(await curl(`https://${host}/`)).toMatch(/^exit (35|56)$/);
    await lab.during([entry([http, https]), networking('VirtualService', 'slow', { hosts: [host], http: [{ timeout: '1s', route: [{ ...to(host, 80) as object, weight: 100 }] }] })], async () => {
      await eventually(`http://${host}/known`, /outside plain .*\/known {3}200$/);
      expect(await curl(`https://${host}/known`)).toContain('outside tls');
      expect(await curl(`http://${host}/delay/3`)).toMatch(/504$/);
      const records = await lab.records({ service: host });
      expect(records.some(({ cluster }) => cluster === `outbound|80||${host}`)).toBe(true);
      expect(await curl(`http://${bank}/`)).toMatch(/^502$/);
    });
    await lab.delete([policy('REGISTRY_ONLY')]);
  }, 90_000);

  it('egress TLS origination: the sidecar speaks TLS for the application, and believes only whom it is told to', async () => {
    const originate = (settings: unknown): SourceFile => networking('DestinationRule', 'originate', { host, workloadSelector: { matchLabels: { app: 'curl' } }, trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, tls: settings }] } });
    const own = await ca.issue({ dns: ['lab-client'] });
    await lab.apply([entry([httpToTls, https]), secret('outside', 'default', { 'ca.crt': ca.root }), secret('client', 'default', { 'tls.crt': own.certificate, 'tls.key': own.key, 'ca.crt': ca.root })]);
    await lab.apply([originate({ mode: 'SIMPLE' })]);
    await eventually(`http://${host}/`, /upstream connect error.*503$/);
    await lab.apply([originate({ mode: 'SIMPLE', credentialName: 'outside' })]);
    await eventually(`http://${host}/politics`, new RegExp(`outside tls ${host} /politics ${host} {2}200$`));
    await lab.apply([originate({ mode: 'SIMPLE', credentialName: 'outside', subjectAltNames: ['somebody.else'] })]);
    await eventually(`http://${host}/`, /503$/);
    await lab.apply([originate({ mode: 'SIMPLE', insecureSkipVerify: true, sni: 'other.name' })]);
    await eventually(`http://${host}/`, /other\.name {2}200$/);
    await lab.during([entry([{ ...http, targetPort: 8443 }]), originate({ mode: 'MUTUAL', credentialName: 'client', sni: host })], async () => {
      await eventually(`http://${host}/mutual`, /outside mutual .*DNS:lab-client 200$/);
    });
  }, 120_000);

  it('egress gateways: HTTP and TLS go through it, the second one unopened', async () => {
    const subset = networking('DestinationRule', 'egressgateway', { host: gatewayHost, subsets: [{ name: 'news' }] });
    await lab.during([
      entry([http, tls]), subset,
      egress([{ port: http, hosts: [host] }, { port: { number: 443, name: 'tls', protocol: 'TLS' }, hosts: [host], tls: { mode: 'PASSTHROUGH' } }]),
      networking('VirtualService', 'through-egress', {
        hosts: [host], gateways: both,
        http: [{ match: [{ gateways: ['mesh'], port: 80 }], route: [to(gatewayHost, 80, 'news')] }, { match: [{ gateways: ['istio-egressgateway'], port: 80 }], route: [to(host, 80)] }],
        tls: [{ match: [{ gateways: ['mesh'], port: 443, sniHosts: [host] }], route: [to(gatewayHost, 443, 'news')] }, { match: [{ gateways: ['istio-egressgateway'], port: 443, sniHosts: [host] }], route: [to(host, 443)] }],
      }),
    ], async () => {
      await eventually(`http://${host}/through`, /outside plain .*\/through {3}200$/);
      await passed(({ path, status }) => path === '/through' && status === 200);
      await eventually(`https://${host}/unopened`, new RegExp(`outside tls ${host} /unopened ${host} {2}200$`));
      await passed(({ protocol, cluster }) => protocol === 'tcp' && cluster === `outbound|443||${host}`);
    });
  }, 120_000);

  it('egress gateways with TLS origination: mTLS to the gateway, TLS from there on', async () => {
    await lab.during([
      entry([http, https]), secret('outside', 'istio-system', { cacert: ca.root }),
      egress([{ port: { number: 80, name: 'https-port-for-tls-origination', protocol: 'HTTPS' }, hosts: [host], tls: { mode: 'ISTIO_MUTUAL' } }]),
      networking('DestinationRule', 'egressgateway', { host: gatewayHost, subsets: [{ name: 'news', trafficPolicy: { loadBalancer: { simple: 'ROUND_ROBIN' }, portLevelSettings: [{ port: { number: 80 }, tls: { mode: 'ISTIO_MUTUAL', sni: host } }] } }] }),
      networking('VirtualService', 'through-egress', { hosts: [host], gateways: both, http: [{ match: [{ gateways: ['mesh'], port: 80 }], route: [to(gatewayHost, 80, 'news')] }, { match: [{ gateways: ['istio-egressgateway'], port: 80 }], route: [to(host, 443)] }] }),
      networking('DestinationRule', 'originate-at-the-gateway', { host, trafficPolicy: { loadBalancer: { simple: 'ROUND_ROBIN' }, portLevelSettings: [{ port: { number: 443 }, tls: { mode: 'SIMPLE', credentialName: 'outside', sni: host } }] } }),
    ], async () => {
      await eventually(`http://${host}/originated`, new RegExp(`outside tls ${host} /originated ${host} {2}200$`));
      await passed(({ path, status, cluster }) => path === '/originated' && status === 200 && cluster === `outbound|443||${host}`);
      expect((await lab.records()).some(({ path, proxy, mtls, destination }) => path === '/originated' && proxy.startsWith('default/curl') && mtls && destination.principal.endsWith('/sa/istio-egressgateway-service-account'))).toBe(true);
    });
  }, 120_000);

  it('egress using wildcard hosts: one entry for all hosts of a domain, directly and through the gateway to the server that has them all', async () => {
    const any = '*.pedia.example';
    const all = networking('ServiceEntry', 'pedia', { hosts: [any], ports: [https], location: 'MESH_EXTERNAL' });
    await lab.during([policy('REGISTRY_ONLY')], async () => {
      expect(await curl(`https://${pedia[0]}/`)).toMatch(/^exit (35|56)$/);
      await lab.during([all], async () => {
        for (const one of pedia) await eventually(`https://${one}/wiki`, new RegExp(`outside tls ${one} /wiki ${one} {2}200$`));
        expect(await curl(`https://${bank}/`)).toMatch(/^exit (35|56)$/);
        await until('the entry in the records', async () => (await lab.records()).some(({ proxy, cluster }) => proxy.startsWith('default/curl') && cluster === `outbound|443||${any}`));
      });
      const www = 'www.pedia.example';
      await lab.during([
        entry([https], www), networking('DestinationRule', 'egressgateway', { host: gatewayHost, subsets: [{ name: 'pedia' }] }),
        egress([{ port: https, hosts: [any], tls: { mode: 'PASSTHROUGH' } }]),
        networking('VirtualService', 'through-egress', {
          hosts: [any], gateways: ['mesh', 'istio-egressgateway'],
          tls: [{ match: [{ gateways: ['mesh'], port: 443, sniHosts: [any] }], route: [to(gatewayHost, 443, 'pedia')] }, { match: [{ gateways: ['istio-egressgateway'], port: 443, sniHosts: [any] }], route: [to(www, 443)] }],
        }), all,
      ], async () => {
        for (const one of pedia) await eventually(`https://${one}/through`, new RegExp(`outside tls ${one} /through ${one} {2}200$`));
        await passed(({ protocol, cluster }) => protocol === 'tcp' && cluster === `outbound|443||${www}`);
        expect(await lab.core.metrics({ lab: lab.name })).toMatch(new RegExp(`istio_tcp_connections_opened_total\\{[^}]*source_workload="istio-egressgateway"[^}]*destination_service="${www.replaceAll('.', '\\.')}"`));
      });
    });
  }, 120_000);

  it('using an external HTTPS proxy: the application asks it by CONNECT, and the mesh sees TCP to its address', async () => {
    const through = (): Promise<string> => curl(`https://${pedia[0]}/by-proxy`, '-x', `http://${outside?.address ?? ''}:3128`);
    const proxy = networking('ServiceEntry', 'proxy', { hosts: ['my-company-proxy.com'], addresses: [`${outside?.address ?? ''}/32`], ports: [{ number: 3128, name: 'tcp', protocol: 'TCP' }], location: 'MESH_EXTERNAL', resolution: 'NONE' });
    await lab.during([policy('REGISTRY_ONLY')], async () => {
      expect(await through()).toMatch(/^exit \d+$/);
      await lab.during([proxy], async () => {
        await until('an answer by the proxy', async () => (await through()) === `outside tls ${pedia[0]} /by-proxy ${pedia[0]}  200`, 20_000);
        await until('a record of the connection', async () => (await lab.records()).some(({ protocol, cluster }) => protocol === 'tcp' && cluster === 'outbound|3128||my-company-proxy.com'));
      });
    });
  }, 60_000);

  it('Kubernetes Services for egress traffic: a name of the cluster for a host outside, and for an address', async () => {
    const service = (name: string, spec: unknown): SourceFile => ({ path: `service-${name}.yaml`, text: JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec }) });
    const plain = (name: string): SourceFile => networking('DestinationRule', name, { host: `${name}.default.svc.cluster.local`, trafficPolicy: { tls: { mode: 'DISABLE' } } });
    const endpoints: SourceFile = { path: 'endpoints.yaml', text: JSON.stringify({ apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'my-pedia' }, subsets: [{ addresses: [{ ip: outside?.address ?? '' }], ports: [{ port: 443, name: 'tls' }] }] }) };
    await lab.during([
      service('my-news', { type: 'ExternalName', externalName: host, ports: [{ protocol: 'TCP', port: 80, name: 'http' }] }), plain('my-news'),
      service('my-pedia', { ports: [{ protocol: 'TCP', port: 443, name: 'tls' }] }), endpoints, plain('my-pedia'),
    ], async () => {
      await eventually('http://my-news.default.svc.cluster.local/alias', /outside plain my-news\.default\.svc\.cluster\.local \/alias {3}200$/);
      let last = '';
      await until('TLS with the address behind the Service', async () => (last = await curl(`https://${pedia[1]}/alias`, '--connect-to', `${pedia[1]}:443:my-pedia.default.svc.cluster.local:443`)) === `outside tls ${pedia[1]} /alias ${pedia[1]}  200`, 20_000).catch((error: unknown) => { throw new Error(`${String(error)}; last: ${last}`); });
      await until('both in the records', async () => {
        const clusters = (await lab.records()).map(({ cluster }) => cluster);
        return ['80||my-news', '443||my-pedia'].every((part) => clusters.includes(`outbound|${part}.default.svc.cluster.local`));
      });
    });
  }, 60_000);
});
