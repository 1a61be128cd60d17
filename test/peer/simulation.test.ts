import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { compile, meshConfigFrom, simulate, type ProxyNode, type SimulatedCall, type SimulationError } from '../../src/compile/index.ts';
import { parseManifests } from '../../src/manifest/index.ts';
import type { ProxyConfig, Route } from '../../src/xds/index.ts';

interface PeerCall {
  readonly Address?: string;
  readonly Alpn?: string;
  readonly CallMode?: string;
  readonly Headers?: Readonly<Record<string, readonly string[] | string>>;
  readonly HostHeader?: string;
  readonly MtlsSecretConfigName?: string;
  readonly Path?: string;
  readonly Port: number;
  readonly Protocol?: string;
  readonly Sni?: string;
  readonly TLS?: string;
}

interface PeerResult {
  readonly Error?: string;
  readonly ListenerMatched?: string;
  readonly FilterChainMatched?: string;
  readonly RouteConfigMatched?: string;
  readonly VirtualHostMatched?: string;
  readonly RouteMatched?: string;
  readonly ClusterMatched?: string;
  readonly StrictMatch?: boolean;
}

interface PeerCase {
  readonly path: readonly string[];
  readonly config: string | null;
  readonly kubeConfig: string | null;
  readonly meshConfig: unknown;
  readonly proxy: { readonly Type?: string; readonly ConfigNamespace?: string; readonly IPAddresses?: readonly string[]; readonly Labels?: Readonly<Record<string, string>>; readonly Metadata?: { readonly Namespace?: string; readonly Labels?: Readonly<Record<string, string>> } } | null;
  readonly calls: readonly { readonly name: string; readonly call: PeerCall; readonly result: PeerResult }[] | null;
  readonly expectedVirtualHosts?: Readonly<Record<string, readonly string[] | null>> | null;
  readonly routeName?: string;
}

const folder = resolve(import.meta.dirname, '../..', process.env.PEER_DIR ?? '../shared/peer');
const file = resolve(folder, 'simulation/cases.json');
/** What is reached today; a change must not fall below. */
const floor = { calls: 0.97, configs: 0.97, test: 0.9 };

const errors: Readonly<Record<string, SimulationError>> = {
  'no listener matched': 'no-listener', 'no filter chains matched': 'no-filter-chain', 'multiple filter chains matched': 'ambiguous-filter-chains', 'invalid mTLS': 'invalid-mtls',
  'protocol error': 'protocol-error', 'no virtual host matched': 'no-virtual-host', 'no route matched': 'no-route', 'tls required, sending 301': 'tls-required',
};
/** What a caller of each protocol offers in TLS. */
const alpns: Readonly<Record<string, Readonly<Record<SimulatedCall['protocol'], readonly string[]>>>> = {
  mtls: { http: ['istio-http/1.1'], http2: ['istio-h2'], tcp: ['istio'] },
  tls: { http: ['http/1.1'], http2: ['h2'], tcp: [] },
};

test.skipIf(!existsSync(file))(`simulated calls agree with the peer (cases in ${folder})`, { timeout: 60_000 }, () => {
  const cases = JSON.parse(readFileSync(file, 'utf8')) as readonly PeerCase[];
  const scores = new Map<string, { good: number; all: number }>();
  const score = { calls: 0, allCalls: 0, configs: 0 };
  const failures: string[] = [];
  for (const peer of cases) {
    const config = compilePeer(peer);
    const wrong = [...(peer.calls ?? []).flatMap(({ name, call, result }) => different(simulate(config, callOf(peer, call)), result, name)), ...wrongHosts(peer, config)];
    const calls = peer.calls?.length ?? 0;
    const badCalls = new Set(wrong.map(({ name }) => name)).size;
    score.allCalls += calls;
    score.calls += peer.calls === null || peer.calls === undefined ? 0 : calls - Math.min(calls, badCalls);
    if (wrong.length === 0) score.configs++;
    const name = peer.path[0] ?? '';
    const known = scores.get(name) ?? { good: 0, all: 0 };
    scores.set(name, { good: known.good + (calls === 0 ? Number(wrong.length === 0) : calls - badCalls), all: known.all + (calls === 0 ? 1 : calls) });
    for (const { name: call, why } of wrong) failures.push(`${peer.path.join(' / ')} / ${call}: ${why}`);
  }
  console.log(`simulation ${score.calls}/${score.allCalls} calls, ${score.configs}/${cases.length} configs`);
  for (const [name, { good, all }] of scores) console.log(`  ${name} ${good}/${all}`);
  if (process.env.PEER_VERBOSE !== undefined) for (const failure of failures) console.log(`  ✗ ${failure}`);
  expect([...scores].filter(([, { good, all }]) => good / all < floor.test)).toEqual([]);
  expect(score.calls / score.allCalls).toBeGreaterThanOrEqual(floor.calls);
  expect(score.configs / cases.length).toBeGreaterThanOrEqual(floor.configs);
});

function nodeOf({ proxy }: PeerCase): ProxyNode {
  const type = proxy?.Type === 'router' ? 'router' : 'sidecar';
  const namespace = proxy?.Metadata?.Namespace ?? proxy?.ConfigNamespace ?? 'default';
  const ip = proxy?.IPAddresses?.[0] ?? '1.1.1.1';
  return { id: `${type}~${ip}~app.${namespace}~${namespace}.svc.cluster.local`, type, name: 'app', namespace, ip, labels: proxy?.Metadata?.Labels ?? proxy?.Labels ?? {}, annotations: {}, serviceAccount: 'default' };
}

function compilePeer(peer: PeerCase): ProxyConfig {
  const { resources } = parseManifests([{ path: 'config.yaml', text: peer.config ?? '' }, { path: 'kube.yaml', text: peer.kubeConfig ?? '' }]);
  return compile({ resources, pods: [], mesh: meshConfigFrom(peer.meshConfig), virtualIps: new Map() }, nodeOf(peer));
}

function callOf(peer: PeerCase, call: PeerCall): SimulatedCall {
  const node = nodeOf(peer);
  const host = call.HostHeader ?? '';
  const tls = (call.TLS ?? 'plaintext') as SimulatedCall['tls'];
  const protocol = (call.Protocol ?? (tls === 'plaintext' ? 'http' : 'tcp')) as SimulatedCall['protocol'];
  const headers = call.Headers ?? {};
  const inbound = call.CallMode === 'inbound';
  return {
    localPort: inbound ? 15006 : node.type === 'router' ? call.Port : 15001,
    destinationIp: call.Address ?? '1.3.3.7',
    destinationPort: call.Port,
    sourceIp: '9.9.9.9',
    protocol,
    tls,
    alpn: call.Alpn === undefined ? (alpns[tls]?.[protocol] ?? []) : [call.Alpn],
    serverName: call.Sni ?? (tls === 'plaintext' ? '' : host),
    ...(call.MtlsSecretConfigName === undefined ? {} : { secret: call.MtlsSecretConfigName }),
    request: {
      method: 'GET', path: call.Path ?? '/', authority: host, scheme: tls === 'plaintext' ? 'http' : 'https',
      header: (name) => {
        const value = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
        return typeof value === 'string' ? value : value?.join(',');
      },
    },
  };
}

/** The peer's harness reads files without a DNS domain, so short names become `a.default` there and `a.default.svc.cluster.local` here. */
function withoutDomain(name: string | undefined): string | undefined {
  return name?.replace(/\.svc\.cluster\.local\b/g, '');
}

function different(actual: ReturnType<typeof simulate>, expected: PeerResult, name: string): readonly { readonly name: string; readonly why: string }[] {
  const pairs: readonly (readonly [string, string | undefined, string | undefined])[] = [
    ['listener', actual.listener, expected.ListenerMatched], ['filter chain', actual.filterChain, expected.FilterChainMatched], ['route table', actual.routeTable, expected.RouteConfigMatched],
    ['virtual host', actual.virtualHost, expected.VirtualHostMatched], ['route', actual.route, expected.RouteMatched], ['cluster', actual.cluster, expected.ClusterMatched],
  ];
  const wrong = pairs.filter(([, have, want]) => (want !== undefined && want !== '' ? withoutDomain(have) !== withoutDomain(want) : expected.StrictMatch === true && strictlyCompared(have)));
  const error = actual.error !== (expected.Error === undefined ? undefined : (errors[expected.Error] ?? expected.Error)) ? [`error is ${actual.error ?? 'none'}, not ${expected.Error ?? 'none'}`] : [];
  return [...error, ...wrong.map(([what, have, want]) => `${what} is ${have ?? 'none'}, not ${want ?? 'none'}`)].map((why) => ({ name, why }));
}

/** With a strict match, what is not expected must be empty; a filter chain's or route's default name counts as empty. */
function strictlyCompared(have: string | undefined): boolean {
  return have !== undefined && have !== '' && have !== 'default';
}

function wrongHosts(peer: PeerCase, config: ProxyConfig): readonly { readonly name: string; readonly why: string }[] {
  if (peer.routeName === undefined) return [];
  const table = config.routes.find(({ name }) => name === peer.routeName);
  return Object.entries(peer.expectedVirtualHosts ?? {}).flatMap(([host, clusters]) => {
    const found = table?.virtualHosts?.find(({ domains }) => domains?.includes(host) === true);
    const have = found?.routes?.flatMap(clustersOf) ?? null;
    return JSON.stringify(have) === JSON.stringify(clusters) ? [] : [{ name: host, why: `clusters are ${JSON.stringify(have)}, not ${JSON.stringify(clusters)}` }];
  });
}

function clustersOf({ route }: Route): readonly string[] {
  return route?.cluster === undefined ? (route?.weightedClusters?.clusters ?? []).map(({ name }) => name ?? '') : [route.cluster];
}
