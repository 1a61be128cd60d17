import type { RouteConfiguration, VirtualHost } from '../../xds/index.ts';
import type { GatewayServer } from '../gateway-servers.ts';
import { hostIsIn } from '../hosts.ts';

/**
 * The table of an HTTPS listener, with 421 for hosts that another HTTPS listener of the port is for: a client may use its connection for them, but
 * their TLS settings were not applied to it. Hosts that no listener has stay 404. Source: Gateway API, Listener `hostname`, on HTTPS listeners.
 */
export function withMisdirected(table: RouteConfiguration, servers: readonly GatewayServer[], all: readonly GatewayServer[]): RouteConfiguration {
  const [own] = servers;
  if (own?.kind !== 'https' || !own.api) return table;
  const mine = new Set(servers.flatMap(({ hosts }) => hosts));
  const others = new Set(all.filter((other) => other.kind === 'https' && other.api && other.port === own.port && other.bind === own.bind).flatMap(({ hosts }) => hosts).filter((host) => !mine.has(host)));
  if (others.size === 0) return table;
  // A name is the most specific listener's, whichever it was asked of.
  const taken = [...others].filter((host) => [...mine].some((wider) => hostIsIn(host, wider)));
  const stays = (domain: string): boolean => !taken.some((host) => hostIsIn(domain, host)) && !(domain === '*' && others.has('*'));
  const kept = (table.virtualHosts ?? []).map((host): VirtualHost => ({ ...host, domains: (host.domains ?? []).filter(stays) })).filter(({ domains = [] }) => domains.length > 0);
  const answered = new Set(kept.flatMap(({ domains = [] }) => domains));
  const domains = [...others].filter((host) => !answered.has(host));
  return { ...table, virtualHosts: [...kept, ...(domains.length === 0 ? [] : [{ name: `misdirected:${own.number}`, domains, routes: [{ name: 'misdirected', match: { prefix: '/' }, directResponse: { status: 421 } }] }])] };
}
