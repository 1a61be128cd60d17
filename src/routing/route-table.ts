import { origin, type ClusterWeight, type Route, type RouteConfiguration, type VirtualHost } from '../xds/index.ts';
import { compileMatch, headerOf, pathOnly, pathTest, type Condition } from './route-matcher.ts';
import type { Rejected, RequestFacts, RouteMatch, RouteTable } from './types.ts';
import { indexDomains } from './virtual-hosts.ts';

interface PreparedRoute {
  readonly route: Route;
  /** The condition on the path, when it looks at nothing else. */
  readonly takesPath: ((path: string) => boolean) | undefined;
  readonly conditions: readonly Condition[];
  /** 0 to 1; `undefined` when the route takes all. */
  readonly fraction: number | undefined;
  readonly clusterHeader: string | undefined;
  readonly result: RouteMatch;
  /** Results by cumulative share of weight; empty when the route has one cluster. */
  readonly weighted: readonly { readonly upTo: number; readonly result: RouteMatch }[];
}

interface PreparedHost {
  readonly config: VirtualHost;
  readonly routes: readonly PreparedRoute[];
  /** The routes that take a path, in their order. */
  readonly onPath: (path: string) => readonly PreparedRoute[];
  readonly noRoute: RouteMatch;
  readonly tlsRequired: RouteMatch;
}

type Found = Extract<RouteMatch, { kind: 'route' }>;

const none: readonly Rejected[] = [];
const noVirtualHost: RouteMatch = { kind: 'no-virtual-host', rejected: none };

/**
 * Makes a RouteConfiguration ready to match. All that can be computed once is computed here, the results included, so that a match
 * allocates nothing. Throws when the configuration is not valid (repeated domain, bad expression): the proxy then rejects it.
 * Source: Envoy, "HTTP route matching".
 */
export function prepareRoutes(config: RouteConfiguration): RouteTable {
  const hosts = (config.virtualHosts ?? []).map((host) => [host, prepareHost(host)] as const);
  const index = indexDomains(hosts, config.ignorePortInHostMatching === true);
  return {
    name: config.name ?? '',
    match(request, random, explain = false) {
      const host = index.find(request.authority);
      if (host === undefined) return explain ? { ...noVirtualHost, rejected: allHosts(hosts, request.authority) } : noVirtualHost;
      if (needsTls(host.config, request)) return host.tlsRequired;
      return explain ? explained(host, request, random) : decide(host, request, random);
    },
  };
}

function decide(host: PreparedHost, request: RequestFacts, random: number): RouteMatch {
  const path = pathOnly(request.path);
  for (const candidate of host.onPath(path)) {
    if (matches(candidate, request, path, random)) return choose(candidate, request, random);
  }
  return host.noRoute;
}

function matches({ conditions, fraction }: PreparedRoute, request: RequestFacts, path: string, random: number): boolean {
  if (fraction !== undefined && random >= fraction) return false;
  for (const condition of conditions) if (!condition.test(request, path)) return false;
  return true;
}

function choose(candidate: PreparedRoute, request: RequestFacts, random: number): RouteMatch {
  for (const { upTo, result } of candidate.weighted) if (random < upTo) return result;
  if (candidate.clusterHeader === undefined) return candidate.result;
  const cluster = headerOf(request, candidate.clusterHeader);
  return cluster === undefined ? candidate.result : { ...(candidate.result as Found), cluster };
}

function explained(host: PreparedHost, request: RequestFacts, random: number): RouteMatch {
  const path = pathOnly(request.path);
  const rejected: Rejected[] = [];
  for (const candidate of host.routes) {
    if (matches(candidate, request, path, random)) {
      const later = host.routes.slice(host.routes.indexOf(candidate) + 1).map(({ route }) => loser(route, 'an earlier route matched'));
      return { ...choose(candidate, request, random), rejected: [...rejected, ...later] };
    }
    rejected.push(loser(candidate.route, why(candidate, request, path)));
  }
  return { ...host.noRoute, rejected };
}

function why(candidate: PreparedRoute, request: RequestFacts, path: string): string {
  const lost = candidate.conditions.find((condition) => !condition.test(request, path));
  return lost === undefined ? 'the share of requests that it takes' : `wants ${lost.words}, but ${lost.actual(request, path)}`;
}

function loser(route: Route, reason: string): Rejected {
  const from = origin(route.metadata);
  return { what: routeTitle(route), why: reason, ...(from === undefined ? {} : { origin: from }) };
}

function allHosts(hosts: readonly (readonly [VirtualHost, PreparedHost])[], authority: string): readonly Rejected[] {
  return hosts.map(([host]) => ({ what: host.name ?? '', why: `none of its domains is ${authority}` }));
}

/** A route in a few words: its name, or its conditions. */
export function routeTitle(route: Route): string {
  if (route.name !== undefined && route.name !== '' && route.name !== 'default') return route.name;
  return `route (${describeRoute(route)})`;
}

/** The conditions of a route in plain words, joined by a comma. */
export function describeRoute(route: Route): string {
  return compileMatch(route.match ?? {}).map(({ words }) => words).join(', ');
}

function needsTls(host: VirtualHost, request: RequestFacts): boolean {
  if (host.requireTls === undefined || host.requireTls === 'NONE' || request.scheme === 'https') return false;
  return host.requireTls === 'ALL' || request.header('x-envoy-internal') !== 'true';
}

/** Paths, and characters of one, that a virtual host remembers. Callers choose their paths: the memory is bounded. */
const remembered = { paths: 512, length: 512 } as const;

/** Applications are asked for few paths many times: which routes a path leaves is found once, expressions included. */
function pathIndex(routes: readonly PreparedRoute[]): PreparedHost['onPath'] {
  const known = new Map<string, readonly PreparedRoute[]>();
  return (path) => {
    const found = known.get(path);
    if (found !== undefined) return found;
    const left = routes.filter(({ takesPath }) => takesPath === undefined || takesPath(path));
    if (path.length > remembered.length) return left;
    if (known.size >= remembered.paths) known.clear();
    known.set(path, left);
    return left;
  };
}

function prepareHost(config: VirtualHost): PreparedHost {
  const routes = (config.routes ?? []).map((route) => prepareRoute(config, route));
  return {
    config, routes, onPath: pathIndex(routes),
    noRoute: { kind: 'no-route', virtualHost: config, rejected: none },
    tlsRequired: { kind: 'tls-required', virtualHost: config, rejected: none },
  };
}

function prepareRoute(virtualHost: VirtualHost, route: Route): PreparedRoute {
  const action = route.route;
  const found = (cluster: string | undefined, weight?: ClusterWeight): RouteMatch =>
    ({ kind: 'route', virtualHost, route, rejected: none, ...(cluster === undefined ? {} : { cluster }), ...(weight === undefined ? {} : { weight }) });
  const match = route.match ?? {};
  return {
    route,
    conditions: compileMatch(match),
    takesPath: match.connectMatcher === undefined ? pathTest(match).test : undefined,
    fraction: fractionOf(route),
    clusterHeader: action?.clusterHeader?.toLowerCase(),
    result: found(action?.cluster),
    weighted: shares(action?.weightedClusters?.clusters ?? []).map(({ weight, upTo }) => ({ upTo, result: found(weight.name, weight) })),
  };
}

/** Cumulative shares; the last one is 1 so that no rounding loses a request. */
function shares(clusters: readonly ClusterWeight[]): readonly { readonly weight: ClusterWeight; readonly upTo: number }[] {
  const chosen = clusters.filter(({ weight }) => Number(weight ?? 0) > 0);
  const total = chosen.reduce((sum, { weight }) => sum + Number(weight), 0);
  let sum = 0;
  return chosen.map((weight, at) => {
    sum += Number(weight.weight);
    return { weight, upTo: at === chosen.length - 1 ? 1 : sum / total };
  });
}

const denominators = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 } as const;

function fractionOf(route: Route): number | undefined {
  const fraction = route.match?.runtimeFraction?.defaultValue;
  return fraction === undefined ? undefined : (fraction.numerator ?? 0) / denominators[fraction.denominator ?? 'HUNDRED'];
}
