import { describe, expect, it } from 'vitest';
import { compileFor, prepareSnapshot, type MeshSnapshot, type PodInfo, type ProxyNode } from '../../src/compile/index.ts';
import { ofKind, type ParentReference } from '../../src/manifest/index.ts';
import type { ProxyConfig } from '../../src/xds/index.ts';
import { hasPeer } from './cases.ts';
import { readTests, resourcesOf, snapshotOf, type PeerRow, type PeerTest } from './gateway-api-cases.ts';
import { exchange, type Arrival, type Exchanged } from './gateway-api-exchange.ts';

/** What is reached today; a change must not fall below. */
const floor = { rows: 1, tests: 1 };

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
  const parents = parentsOf(snapshot);
  const paths = pathsOf(snapshot);
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
      arrivals: (row) => gatewayArrivals(row, pod.ip, listener.port, listener.protocol === 'HTTPS', [listener.hostname, ...hostnamesOf(snapshot)].filter((host) => host !== ''), paths),
    }));
  });
}

function parentsOf({ resources }: MeshSnapshot): readonly { readonly reference: ParentReference; readonly namespace: string }[] {
  return [...ofKind(resources, 'HTTPRoute'), ...ofKind(resources, 'GRPCRoute')].flatMap(({ spec, metadata }) => spec.parentRefs.map((reference) => ({ reference, namespace: metadata.namespace })));
}

function hostnamesOf({ resources }: MeshSnapshot): readonly string[] {
  return ofKind(resources, 'HTTPRoute').flatMap(({ spec }) => spec.hostnames);
}

function pathsOf({ resources }: MeshSnapshot): readonly string[] {
  return ofKind(resources, 'HTTPRoute').flatMap(({ spec }) => spec.rules.flatMap(({ matches }) => matches.map(({ path }) => path.value)));
}

/** The values that a field may have: its own, else all that the manifests name. */
function options(written: unknown, known: readonly string[], otherwise: string): readonly string[] {
  if (written === undefined) return [otherwise];
  return typeof written === 'string' ? [written === '' ? otherwise : written] : known;
}

function gatewayArrivals({ Request }: PeerRow, ip: string, port: number, secure: boolean, hosts: readonly string[], paths: readonly string[]): readonly Arrival[] {
  const [fallback = 'gateway.example'] = secure || Request.Host !== undefined ? hosts : [];
  return options(Request.Host, hosts, fallback.replace('*', 'any')).filter((host) => !/:\d+$/.test(host) || host.endsWith(`:${port}`)).flatMap((host) => options(Request.Path, paths, '/').flatMap((path) => [true, false].map((certified): Arrival => ({
    localPort: port, ip, port, secure, serverName: host.replace(/:\d+$/, ''), certified, method: Request.Method ?? 'GET', path, authority: host, headers: Request.Headers ?? {}, random: 0.4,
  }))));
}

function meshArrivals({ Request }: PeerRow, config: ProxyConfig, hosts: readonly string[], paths: readonly string[]): readonly Arrival[] {
  return (Request.Host === undefined ? hosts : options(Request.Host, hosts, '')).flatMap((host) => {
    const [name = '', port = '80'] = host.split(':');
    const ip = config.names.table[name]?.ips[0];
    const path = options(Request.Path, paths, '/')[0] ?? '/';
    return ip === undefined ? [] : [{ localPort: 15001, ip, port: Number(port), secure: false, serverName: '', certified: true, method: Request.Method ?? 'GET', path, authority: Request.Headers?.['Host'] ?? host, headers: Request.Headers ?? {}, random: 0.4 }];
  });
}

/** Why no place answers a row as it wants; `undefined` when one does. A row that wants neither backend nor answer must be refused by a gateway that asks for a certificate. */
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

function difference(row: PeerRow, arrival: Arrival, got: Exchanged): string | undefined {
  if (row.Backend === undefined && row.Response === undefined && row.RedirectRequest === undefined && row.ExpectedRequest === undefined) return got.status === 0 ? undefined : `status ${got.status} where the connection has to be refused`;
  const wanted = row.Response?.StatusCode ?? 200;
  if (typeof wanted === 'number' && row.Response?.StatusCodes === undefined && got.status !== wanted) return `status ${got.status}, not ${wanted}`;
  if (row.RedirectRequest !== undefined) return redirectDifference(row.RedirectRequest, arrival, got.location ?? '');
  for (const [name, value] of Object.entries(row.Response?.Headers ?? {})) if (got.responseHeaders.get(name.toLowerCase())?.join(',') !== value) return `response header ${name} is ${got.responseHeaders.get(name.toLowerCase())?.join(',') ?? 'missing'}`;
  for (const name of row.Response?.AbsentHeaders ?? []) if (got.responseHeaders.has(name.toLowerCase())) return `response header ${name} is there`;
  return got.status === 200 ? requestDifference(row, arrival, got) : undefined;
}

function requestDifference(row: PeerRow, arrival: Arrival, got: Exchanged): string | undefined {
  const { Request, ExpectedRequest, Backend, Namespace } = row;
  const expected = ExpectedRequest?.Request;
  if (typeof Backend === 'string' && got.backend?.name.startsWith(Backend) !== true) return `backend ${got.backend?.name ?? 'none'}, not ${Backend}`;
  if (typeof Namespace === 'string' && got.backend?.namespace !== Namespace) return `namespace ${got.backend?.namespace ?? 'none'}, not ${Namespace}`;
  const path = expected?.Path ?? (typeof Request.Path === 'string' ? arrival.path : undefined);
  if (path !== undefined && got.path !== path) return `path ${got.path ?? ''}, not ${path}`;
  if (expected?.Host !== undefined && got.host !== expected.Host) return `host ${got.host ?? ''}, not ${expected.Host}`;
  for (const [name, value] of Object.entries({ ...(expected === undefined ? Request.Headers : {}), ...expected?.Headers })) if (name !== 'Host' && got.requestHeaders?.get(name.toLowerCase())?.join(',') !== value) return `header ${name} is ${got.requestHeaders?.get(name.toLowerCase())?.join(',') ?? 'missing'}`;
  for (const name of ExpectedRequest?.AbsentHeaders ?? []) if (got.requestHeaders?.has(name.toLowerCase()) === true) return `header ${name} is there`;
  for (const { BackendRef } of row.MirroredTo ?? []) if (got.mirrors?.some((cluster) => cluster.includes(`|${BackendRef.Name}.${BackendRef.Namespace ?? ''}`)) !== true) return `not mirrored to ${BackendRef.Name}`;
  return undefined;
}

/** What a Location does not name is the request's own; the well-known port of a scheme is as good as none. */
function redirectDifference(wanted: NonNullable<PeerRow['RedirectRequest']>, arrival: Arrival, location: string): string | undefined {
  const { protocol, hostname, port, pathname } = new URL(location, `${arrival.secure ? 'https' : 'http'}://${arrival.authority}`);
  if (wanted.Scheme !== undefined && protocol !== `${wanted.Scheme}:`) return `location ${location} has not scheme ${wanted.Scheme}`;
  if (wanted.Host !== undefined && hostname !== wanted.Host) return `location ${location} has not host ${wanted.Host}`;
  if ((wanted.Port ?? '') !== port && !(wanted.Port === undefined && wanted.Scheme === undefined)) return `location ${location} has not port ${wanted.Port ?? ''}`;
  return wanted.Path !== undefined && pathname !== wanted.Path ? `location ${location} has not path ${wanted.Path}` : undefined;
}
