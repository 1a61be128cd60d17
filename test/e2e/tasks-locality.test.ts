import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SourceFile } from '../../src/manifest/index.ts';
import { noPodNetwork, podNetwork } from './support/in-pod.ts';
import { noEngine, startLab, until, type TestLab } from './support/index.ts';

const why = noEngine ?? noPodNetwork;
const name = 'test-locality';
const localities = ['region1.zone1', 'region1.zone2', 'region2.zone3', 'region3.zone4'] as const;

/** Nodes of real clusters say where they are; a lab has one machine, so pods carry the labels themselves. */
const place = (locality: string): Readonly<Record<string, string>> => {
  const [region = '', zone = ''] = locality.split('.');
  return { 'topology.kubernetes.io/region': region, 'topology.kubernetes.io/zone': zone };
};
const resource = (apiVersion: string, kind: string, resourceName: string, spec: unknown): SourceFile => ({ path: `${kind}-${resourceName}.yaml`, text: JSON.stringify({ apiVersion, kind, metadata: { name: resourceName, namespace: 'default' }, spec }) });

function deployment(deploymentName: string, app: string, locality: string, container: Readonly<Record<string, unknown>>): SourceFile {
  return resource('apps/v1', 'Deployment', deploymentName, {
    selector: { matchLabels: { app, locality } }, template: { metadata: { labels: { app, locality, version: locality, ...place(locality) } }, spec: { containers: [{ name: app, ...container }] } },
  });
}

const manifests = [
  resource('v1', 'Service', 'helloworld', { selector: { app: 'helloworld' }, ports: [{ port: 5000, name: 'http' }] }),
  ...localities.map((locality) => deployment(`helloworld-${locality.replace('.', '-')}`, 'helloworld', locality, {
    image: 'registry.istio.io/release/examples-helloworld-v1:1.0', env: [{ name: 'SERVICE_VERSION', value: locality }], ports: [{ containerPort: 5000 }],
  })),
  deployment('curl', 'curl', 'region1.zone1', { image: 'curlimages/curl', command: ['sleep', 'infinity'] }),
];

/** The page's rule, with its ways of choosing a locality. */
const rule = (localityLbSetting: unknown): SourceFile => resource('networking.istio.io/v1', 'DestinationRule', 'helloworld', {
  host: 'helloworld.default.svc.cluster.local',
  trafficPolicy: {
    connectionPool: { http: { maxRequestsPerConnection: 1 } }, loadBalancer: { simple: 'ROUND_ROBIN', localityLbSetting },
    outlierDetection: { consecutive5xxErrors: 1, interval: '1s', baseEjectionTime: '1m' },
  },
});

describe.skipIf(why !== undefined)(`Istio’s task pages on locality load balancing${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let lab: TestLab;

  beforeAll(async () => {
    lab = await startLab(name, manifests);
    await lab.synced();
  });
  afterAll(async () => { await lab?.down(); });

  /** Where so many requests were answered, counted; what failed counts as its status. */
  const answers = async (times: number): Promise<Readonly<Record<string, number>>> => {
    const { output } = await lab.exec('curl', 'sh', '-c', `for i in $(seq ${times}); do curl -sS -m 5 -w ' %{http_code}\\n' http://helloworld:5000/hello | tr '\\n' ' '; echo; done`);
    const counts: Record<string, number> = {};
    for (const line of output.trim().split('\n')) {
      const where = /version: (\S+), instance.* 200/.exec(line)?.[1] ?? line;
      counts[where] = (counts[where] ?? 0) + 1;
    }
    return counts;
  };

  it('distribution: 70, 20 and 10 percent, and nothing elsewhere', async () => {
    await lab.apply([rule({ enabled: true, distribute: [{ from: 'region1/zone1/*', to: { 'region1/zone1/*': 70, 'region1/zone2/*': 20, 'region3/zone4/*': 10 } }] })]);
    const counts = await answers(200);
    expect(Object.keys(counts).sort()).toEqual(['region1.zone1', 'region1.zone2', 'region3.zone4']);
    const near = (locality: string, share: number): void => { expect.soft(Math.abs((counts[locality] ?? 0) / 200 - share), `${locality} ${JSON.stringify(counts)}`).toBeLessThan(0.1); };
    near('region1.zone1', 0.7);
    near('region1.zone2', 0.2);
    near('region3.zone4', 0.1);
  });

  it('failover: the own zone, then the region, then the region to fail over to, then the rest, as each is drained', async () => {
    await lab.apply([rule({ enabled: true, failover: [{ from: 'region1', to: 'region2' }] })]);
    for (const [at, locality] of localities.entries()) {
      // The host that was drained just before is found out by the first request, which may fail with it.
      await until(`${locality} answers`, async () => (await answers(1))[locality] === 1);
      expect(await answers(20)).toEqual({ [locality]: 20 });
      if (at === localities.length - 1) break;
      const { output } = await (await podNetwork(lab, `helloworld-${locality.replace('.', '-')}`)).run('curl', ['-sSL', '-X', 'POST', '127.0.0.1:15000/drain_listeners']);
      expect(output).toBe('OK\n');
    }
    const { pods } = await lab.status();
    expect(pods.filter(({ app, ready }) => app === 'helloworld' && !ready)).toHaveLength(3);
  });
});
