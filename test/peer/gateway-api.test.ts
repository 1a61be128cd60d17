import { describe, expect, it } from 'vitest';
import { compileFor, gatewayStatus, prepareSnapshot, type MeshSnapshot, type PodInfo, type ProxyNode } from '../../src/compile/index.ts';
import { ofKind } from '../../src/manifest/index.ts';
import type { ProxyConfig } from '../../src/xds/index.ts';
import { hasPeer } from './cases.ts';
import { readTests, resourcesOf, snapshotOf, type PeerRow, type PeerTest } from './gateway-api-cases.ts';
import { exchange, type Arrival } from './gateway-api-exchange.ts';
import { difference } from './gateway-api-judge.ts';
import { gatewayArrivals, hostnamesOf, options, parentsOf, pathsOf } from './gateway-api-rows.ts';

/** What is reached today; a change must not fall below. */
const floor = { rows: 1, tests: 1, statuses: 0.97 };

describe.skipIf(!hasPeer('gateway-api'))('Gateway API conformance, simulated', () => {
  it('sends every request where the suite wants it', { timeout: 60_000 }, () => {
    const tests = readTests().filter(({ cases }) => cases.length > 0);
    const failures: string[] = [];
    let rows = 0;
    let good = 0;
    let whole = 0;
    for (const test of tests) {
      const places = placesOf(test);
      const wrong = test.cases.flatMap((row) => {
        const why = judge(row, places);
        return why === undefined ? [] : [`${test.shortName}:${row.line} ${why}`];
      });
      rows += test.cases.length;
      good += test.cases.length - wrong.length;
      if (wrong.length === 0) whole++;
      failures.push(...wrong);
    }
    console.log(`gateway-api ${good}/${rows} rows, ${whole}/${tests.length} tests (simulated)`);
    for (const failure of failures) console.log(`  ✗ ${failure}`);
    expect(good / rows).toBeGreaterThanOrEqual(floor.rows);
    expect(whole / tests.length).toBeGreaterThanOrEqual(floor.tests);
  });
});

describe.skipIf(!hasPeer('gateway-api'))('Gateway API conformance, statuses', () => {
  it('says of gateways and routes what the suite checks by name', { timeout: 60_000 }, () => {
    const tests = readTests().filter(({ manifests }) => manifests.length > 0);
    const wrong = tests.flatMap((test) => statusFaults(test).map((fault) => `${test.shortName}: ${fault}`));
    const good = tests.length - new Set(wrong.map((text) => text.split(':')[0])).size;
    console.log(`gateway-api ${good}/${tests.length} tests' statuses`);
    for (const fault of wrong) console.log(`  ✗ ${fault}`);
    expect(good / tests.length).toBeGreaterThanOrEqual(floor.statuses);
  });
});

interface Conditions { readonly conditions: readonly { readonly type: string; readonly status: string }[] }

/** What the checks that a test names say about the status of its own routes. */
function statusFaults(test: PeerTest): readonly string[] {
  const base = new Set(resourcesOf({ ...test, manifests: [] }).map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`));
  const own = gatewayStatus(snapshotOf(resourcesOf(test))).filter(({ resource }) => !base.has(`${resource.kind} ${resource.metadata.namespace}/${resource.metadata.name}`));
  const routes = own.flatMap(({ resource, status }) => ((status['parents'] ?? []) as readonly Conditions[]).map((parent) => ({ name: resource.metadata.name, parent })));
  const is = (type: string, wanted: string): readonly string[] => routes.filter(({ parent }) => parent.conditions.find((one) => one.type === type)?.status !== wanted).map(({ name }) => `${name} has not ${type} ${wanted}`);
  const attached = (): readonly string[] => own.flatMap(({ resource, status }) => ((status['listeners'] ?? []) as readonly { readonly attachedRoutes: number }[]).filter(({ attachedRoutes }) => attachedRoutes > 0).map(() => `${resource.metadata.name} has routes`));
  return test.mustChecks.flatMap((check) => {
    if (/MustBeAccepted$/.test(check)) return is('Accepted', 'True');
    if (/MustHaveResolvedRefsConditionsTrue$/.test(check)) return is('ResolvedRefs', 'True');
    if (/MustHaveNoAcceptedParents$/.test(check)) return is('Accepted', 'False');
    return check === 'GatewayMustHaveZeroRoutes' ? attached() : [];
  });
}

/** A proxy and an address of it to which a row may have been sent: the data does not say which gateway a request goes to. */
interface Place {
  readonly name: string;
  readonly config: ProxyConfig;
  readonly snapshot: MeshSnapshot;
  readonly arrivals: (row: PeerRow) => readonly Arrival[];
}

function nodeOf(pod: PodInfo, type: ProxyNode['type']): ProxyNode {
  return { ...pod, type, id: `${type}~${pod.ip}~${pod.name}.${pod.namespace}~${pod.namespace}.svc.cluster.local` };
}

function placesOf(test: PeerTest): readonly Place[] {
  const snapshot = snapshotOf(resourcesOf(test));
  const index = prepareSnapshot(snapshot);
  const parents = parentsOf(snapshot.resources);
  const paths = pathsOf(snapshot.resources);
  if (test.mesh) {
    const callers = snapshot.pods.filter(({ sidecar, ip }, at, all) => sidecar && all.findIndex((one) => one.ip === ip) === at);
    const hosts = parents.map(({ reference, namespace }) => `${reference.name}.${reference.namespace === '' ? namespace : reference.namespace}`);
    return callers.map((pod) => {
      const config = compileFor(index, nodeOf(pod, 'sidecar'));
      return { name: `${pod.namespace}/${pod.name}`, config, snapshot, arrivals: (row) => meshArrivals(row, config, [...new Set(hosts)], paths) };
    });
  }
  return ofKind(snapshot.resources, 'KubernetesGateway').flatMap((gateway) => {
    const { name, namespace } = gateway.metadata;
    const pod = snapshot.pods.find(({ labels, namespace: own }) => labels['gateway.networking.k8s.io/gateway-name'] === name && own === namespace);
    const used = parents.filter(({ reference, namespace: own }) => reference.kind === 'Gateway' && reference.name === name && (reference.namespace === '' ? own : reference.namespace) === namespace);
    if (pod === undefined || used.length === 0) return [];
    const config = compileFor(index, nodeOf(pod, 'router'));
    return gateway.spec.listeners.map((listener): Place => ({
      name: `${name}/${listener.name}`, config, snapshot,
      arrivals: (row) => gatewayArrivals(row, pod.ip, listener.port, listener.protocol === 'HTTPS', [listener.hostname, ...hostnamesOf(snapshot.resources)].filter((host) => host !== ''), paths),
    }));
  });
}

function meshArrivals({ Request }: PeerRow, config: ProxyConfig, hosts: readonly string[], paths: readonly string[]): readonly Arrival[] {
  return (Request.Host === undefined ? hosts : options(Request.Host, hosts, '')).flatMap((host) => {
    const [name = '', port = '80'] = host.split(':');
    const ip = config.names.table[name]?.ips[0];
    const path = options(Request.Path, paths, '/')[0] ?? '/';
    return ip === undefined ? [] : [{ localPort: 15001, ip, port: Number(port), secure: false, serverName: '', certified: true, method: Request.Method ?? 'GET', path, authority: Request.Headers?.['Host'] ?? host, headers: Request.Headers ?? {}, random: 0.4 }];
  });
}

/** Why no place answers a row as it wants; `undefined` when one does. */
function judge(row: PeerRow, places: readonly Place[]): string | undefined {
  const whys: string[] = [];
  for (const { name, config, snapshot, arrivals } of places) {
    for (const arrival of arrivals(row)) {
      const why = difference(row, arrival, exchange(config, snapshot, arrival));
      if (why === undefined) return undefined;
      whys.push(`${name}: ${why}`);
    }
  }
  return [...new Set(whys)].slice(0, 4).join('; ') || 'nothing to send it to';
}
