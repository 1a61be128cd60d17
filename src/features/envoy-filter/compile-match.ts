import { RE2JS } from 're2js';
import { parseClusterName } from '../../xds/index.ts';
import type { ConfigPatch } from './manifest.ts';
import type { Json } from './compile-merge.ts';

/** The part of the configuration that a patch can be limited to. */
export type PatchContext = 'SIDECAR_INBOUND' | 'SIDECAR_OUTBOUND' | 'GATEWAY';
type Match = NonNullable<ConfigPatch['match']>;
type ListenerMatch = NonNullable<Match['listener']>;
type RouteMatch = NonNullable<Match['routeConfiguration']>;

/** The proxy that patches are applied to, as far as they ask. */
export interface PatchedProxy {
  readonly type: 'sidecar' | 'router';
  /** Istio's version of it, such as `1.29.0`. */
  readonly version: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** The gateways (`namespace/name`) behind each of its route tables. */
  readonly gateways: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Whether a patch is for a context. */
export function inContext(match: ConfigPatch['match'], context: PatchContext): boolean {
  return match === undefined || match.context === 'ANY' || match.context === context;
}

/** Whether a patch is for a proxy: its version by regular expression, its metadata by equality. */
export function forProxy(match: ConfigPatch['match'], { version, metadata }: PatchedProxy): boolean {
  const proxy = match?.proxy;
  if (proxy === undefined) return true;
  if (proxy.proxyVersion !== '' && !RE2JS.compile(proxy.proxyVersion).matcher(version).find()) return false;
  return Object.entries(proxy.metadata).every(([name, value]) => metadata[name] === value);
}

const portOf = (listener: Json): number => Number((listener['address'] as { readonly socketAddress?: { readonly portValue?: number } } | undefined)?.socketAddress?.portValue ?? 0);
const isVirtualInbound = (listener: Json): boolean => listener['name'] === 'virtualInbound';

/** Whether a listener is meant. The ports of the inbound one are those of its chains. */
export function listenerMatches(match: ListenerMatch | undefined, listener: Json): boolean {
  if (match === undefined) return true;
  if (match.name !== '' && match.name !== listener['name']) return false;
  return match.portNumber === 0 || isVirtualInbound(listener) || match.portNumber === portOf(listener);
}

/** Whether a filter chain of a listener is meant. */
export function chainMatches(match: ListenerMatch | undefined, listener: Json, chain: Json): boolean {
  if (match === undefined) return true;
  const criteria = (chain['filterChainMatch'] ?? {}) as { readonly serverNames?: readonly string[]; readonly transportProtocol?: string; readonly applicationProtocols?: readonly string[]; readonly destinationPort?: number };
  if (isVirtualInbound(listener) && match.portNumber !== 0 && match.portNumber !== (criteria.destinationPort ?? 0)) return false;
  const asked = match.filterChain;
  if (asked === undefined) return true;
  if (asked.name !== '' && asked.name !== chain['name']) return false;
  if (asked.sni !== '' && criteria.serverNames?.includes(asked.sni) !== true) return false;
  if (asked.transportProtocol !== '' && asked.transportProtocol !== criteria.transportProtocol) return false;
  if (asked.destinationPort !== 0 && asked.destinationPort !== criteria.destinationPort) return false;
  const protocols = asked.applicationProtocols === '' ? [] : asked.applicationProtocols.split(',').map((name) => name.trim());
  if (!protocols.every((name) => criteria.applicationProtocols?.includes(name) === true)) return false;
  return asked.filter === undefined || asked.filter.name === '' || ((chain['filters'] ?? []) as readonly Json[]).some(named(asked.filter.name));
}

/** Whether a filter has a name, in Envoy's newer or older spelling (`envoy.router`). */
export function named(name: string): (filter: Json) => boolean {
  const short = /^envoy\.([a-z0-9_]+)$/.exec(name)?.[1];
  return (filter) => filter['name'] === name || (short !== undefined && typeof filter['name'] === 'string' && /^envoy\.filters\./.test(filter['name']) && filter['name'].endsWith(`.${short}`));
}

/** Whether a route table is meant. */
export function tableMatches(match: RouteMatch | undefined, table: Json, { gateways }: PatchedProxy): boolean {
  if (match === undefined) return true;
  const name = String(table['name'] ?? '');
  if (match.name !== '' && match.name !== name) return false;
  const { port, portName } = tablePort(name);
  if (match.portNumber !== 0 && match.portNumber !== port) return false;
  if (match.portName !== '' && match.portName !== portName) return false;
  return match.gateway === '' || gateways.get(name)?.has(match.gateway) === true;
}

/** The port in a table's name: `9080`, `host:9080`, `http.80`, `https.443.NAME.GATEWAY.NAMESPACE`, `inbound|9080||`. */
function tablePort(name: string): { readonly port: number; readonly portName: string } {
  const gateway = /^https?\.(\d+)(?:\.([^.]*)\.)?/.exec(name);
  if (gateway !== null) return { port: Number(gateway[1]), portName: gateway[2] ?? '' };
  return { port: Number(/^inbound\|(\d+)\|/.exec(name)?.[1] ?? /(?:^|:)(\d+)$/.exec(name)?.[1] ?? 0), portName: '' };
}

/** Whether a virtual host is meant. */
export function hostMatches(match: RouteMatch | undefined, host: Json): boolean {
  const asked = match?.vhost;
  if (asked === undefined) return true;
  if (asked.name !== '' && asked.name !== host['name']) return false;
  return asked.domainName === '' || ((host['domains'] ?? []) as readonly string[]).includes(asked.domainName);
}

const actions = { ROUTE: 'route', REDIRECT: 'redirect', DIRECT_RESPONSE: 'directResponse' } as const;

/** Chooses routes by name and action; `undefined` when the patch names none. */
export function routeAnchor(match: RouteMatch | undefined): ((route: Json) => boolean) | undefined {
  const asked = match?.vhost?.route;
  if (asked === undefined || (asked.name === '' && asked.action === 'ANY')) return undefined;
  return (route) => (asked.name === '' || asked.name === route['name']) && (asked.action === 'ANY' || route[actions[asked.action]] !== undefined);
}

/** Whether a cluster is meant. */
export function clusterMatches(match: Match['cluster'], cluster: Json): boolean {
  if (match === undefined) return true;
  const name = String(cluster['name'] ?? '');
  if (match.name !== '') return match.name === name;
  const parts = parseClusterName(name);
  if (parts === undefined) return match.subset === '' && match.service === '' && match.portNumber === 0;
  if (match.portNumber !== 0 && match.portNumber !== parts.port) return false;
  return (match.subset === '' || match.subset === parts.subset) && (match.service === '' || match.service === parts.host);
}
