import { typeUrl, withOrigin, type Cluster, type Listener, type Metadata, type Origin, type ProxyConfig, type RouteConfiguration } from '../../xds/index.ts';
import { edited, normalized, type Json } from './compile-merge.ts';
import { chainMatches, clusterMatches, forProxy, hostMatches, inContext, listenerMatches, named, routeAnchor, tableMatches, type PatchContext, type PatchedProxy } from './compile-match.ts';
import { refusal, type ConfigPatch } from './manifest.ts';

export type { PatchedProxy } from './compile-match.ts';

/** A patch that is in force for a proxy, and the line where it is written. */
export interface PlacedPatch {
  readonly patch: ConfigPatch;
  readonly origin: Origin;
}

interface Change {
  readonly applyTo: ConfigPatch['applyTo'];
  readonly match: ConfigPatch['match'];
  readonly operation: string;
  readonly value: unknown;
  readonly filterClass: string;
  readonly origin: Origin;
}

/**
 * The configuration of a proxy with patches applied, one after the other, in their order. Patches that cannot be run are left
 * out; validation names them. Source: istio.io, EnvoyFilter.
 */
export function applyPatches(config: ProxyConfig, patches: readonly PlacedPatch[], proxy: PatchedProxy): ProxyConfig {
  const changes = patches.flatMap(({ patch, origin }): readonly Change[] => {
    if (patch.patch === undefined || refusal(patch) !== undefined || !forProxy(patch.match, proxy)) return [];
    return [{ applyTo: patch.applyTo, match: patch.match, operation: patch.patch.operation, value: normalized(patch.patch.value), filterClass: patch.patch.filterClass, origin }];
  });
  return changes.reduce((current, change) => applyOne(current, change, proxy), config);
}

const outbound = (proxy: PatchedProxy): PatchContext => (proxy.type === 'router' ? 'GATEWAY' : 'SIDECAR_OUTBOUND');

function applyOne(config: ProxyConfig, change: Change, proxy: PatchedProxy): ProxyConfig {
  switch (change.applyTo) {
    case 'CLUSTER': return { ...config, clusters: patchClusters(config.clusters as readonly Json[], change, proxy) as readonly Cluster[] };
    case 'ROUTE_CONFIGURATION': case 'VIRTUAL_HOST': case 'HTTP_ROUTE': {
      const routes = inContext(change.match, outbound(proxy)) ? config.routes.map((table) => patchTable(table as Json, change, proxy) as RouteConfiguration) : config.routes;
      return { ...config, routes, listeners: inContext(change.match, 'SIDECAR_INBOUND') ? config.listeners.map((listener) => patchInlineTables(listener as Json, change, proxy) as Listener) : config.listeners };
    }
    default: return { ...config, listeners: patchListeners(config.listeners as readonly Json[], change, proxy) as readonly Listener[] };
  }
}

function patchClusters(clusters: readonly Json[], change: Change, proxy: PatchedProxy): readonly Json[] {
  const context = (cluster: Json): PatchContext => (/^(inbound\||Inbound)/.test(String(cluster['name'])) ? 'SIDECAR_INBOUND' : outbound(proxy));
  const anchor = (cluster: Json): boolean => inContext(change.match, context(cluster)) && clusterMatches(change.match?.cluster, cluster);
  if (change.operation !== 'ADD') return edited(clusters, { ...change, anchor });
  const applies = inContext(change.match, outbound(proxy)) || (proxy.type === 'sidecar' && inContext(change.match, 'SIDECAR_INBOUND'));
  return applies ? [...clusters, traced(change)] : clusters;
}

/** The value of a patch that adds something, with its line. */
function traced({ value, origin }: Change): Json {
  const object = value as Json;
  return { ...object, metadata: withOrigin(origin, object['metadata'] as Metadata | undefined) };
}

function patchTable(table: Json, change: Change, proxy: PatchedProxy): Json {
  const match = change.match?.routeConfiguration;
  if (!tableMatches(match, table, proxy)) return table;
  if (change.applyTo === 'ROUTE_CONFIGURATION') return edited([table], { ...change, anchor: () => true })[0] ?? table;
  const hosts = (table['virtualHosts'] ?? []) as readonly Json[];
  if (change.applyTo === 'VIRTUAL_HOST') {
    const anchor = (host: Json): boolean => hostMatches(match, host);
    return { ...table, virtualHosts: change.operation === 'ADD' ? [...hosts, traced(change)] : edited(hosts, { ...change, anchor }) };
  }
  const value = change.operation === 'ADD' || change.operation.startsWith('INSERT') ? traced(change) : change.value;
  const patched = hosts.map((host) => (hostMatches(match, host) ? { ...host, routes: edited((host['routes'] ?? []) as readonly Json[], { ...change, value, anchor: routeAnchor(match) }) } : host));
  return { ...table, virtualHosts: patched };
}

/** The route tables of inbound listeners stand inside of them. */
function patchInlineTables(listener: Json, change: Change, proxy: PatchedProxy): Json {
  if (listener['name'] !== 'virtualInbound') return listener;
  return mapManagers(listener, () => true, (manager) => (manager['routeConfig'] === undefined ? manager : { ...manager, routeConfig: patchTable(manager['routeConfig'] as Json, change, proxy) }));
}

function patchListeners(listeners: readonly Json[], change: Change, proxy: PatchedProxy): readonly Json[] {
  const { match, operation } = change;
  const meant = (listener: Json): boolean => inContext(match, listener['name'] === 'virtualInbound' ? 'SIDECAR_INBOUND' : outbound(proxy)) && listenerMatches(match?.listener, listener);
  if (change.applyTo === 'LISTENER') {
    if (operation !== 'ADD') return edited(listeners, { ...change, anchor: meant });
    return inContext(match, outbound(proxy)) || (proxy.type === 'sidecar' && inContext(match, 'SIDECAR_INBOUND')) ? [...listeners, traced(change)] : listeners;
  }
  return listeners.map((listener) => (meant(listener) ? patchListener(listener, change) : listener));
}

function patchListener(listener: Json, change: Change): Json {
  const match = change.match?.listener;
  const filter = match?.filterChain?.filter;
  const chosen = (chain: Json): boolean => chainMatches(match, listener, chain);
  switch (change.applyTo) {
    case 'FILTER_CHAIN': {
      const chains = (listener['filterChains'] ?? []) as readonly Json[];
      return { ...listener, filterChains: change.operation === 'ADD' ? [...chains, traced(change)] : edited(chains, { ...change, anchor: chosen }) };
    }
    case 'LISTENER_FILTER': {
      const anchor = match === undefined || match.listenerFilter === '' ? undefined : named(match.listenerFilter);
      return { ...listener, listenerFilters: edited((listener['listenerFilters'] ?? []) as readonly Json[], { ...change, anchor }) };
    }
    case 'NETWORK_FILTER': {
      const anchor = filter === undefined || filter.name === '' ? undefined : named(filter.name);
      return mapChains(listener, chosen, (chain) => ({ ...chain, filters: edited((chain['filters'] ?? []) as readonly Json[], { ...change, anchor, addBefore: isTerminal }) }));
    }
    case 'HTTP_FILTER': {
      const name = filter?.subFilter?.name ?? '';
      const anchor = name === '' ? undefined : named(name);
      return mapManagers(listener, chosen, (manager) => ({ ...manager, httpFilters: edited((manager['httpFilters'] ?? []) as readonly Json[], { ...change, anchor, addBefore: isTerminal }) }));
    }
    default: return listener;
  }
}

/** Filters that end a chain; nothing added may stand behind them. */
const isTerminal = ({ name }: Json): boolean => /\.(router|http_connection_manager|tcp_proxy)$/.test(String(name));

function mapChains(listener: Json, chosen: (chain: Json) => boolean, change: (chain: Json) => Json): Json {
  const one = (chain: Json): Json => (chosen(chain) ? change(chain) : chain);
  const last = listener['defaultFilterChain'] as Json | undefined;
  return { ...listener, filterChains: ((listener['filterChains'] ?? []) as readonly Json[]).map(one), ...(last === undefined ? {} : { defaultFilterChain: one(last) }) };
}

function mapManagers(listener: Json, chosen: (chain: Json) => boolean, change: (manager: Json) => Json): Json {
  const filterOf = (filter: Json): Json => {
    const config = filter['typedConfig'] as Json | undefined;
    return config?.['@type'] === typeUrl.httpConnectionManager ? { ...filter, typedConfig: change(config) } : filter;
  };
  return mapChains(listener, chosen, (chain) => ({ ...chain, filters: ((chain['filters'] ?? []) as readonly Json[]).map(filterOf) }));
}

