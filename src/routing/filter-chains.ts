import type { FilterChain, FilterChainMatch } from '../xds/index.ts';
import { inRange, isLoopback, parseIp, parseRange, type IpRange } from './ip.ts';
import type { ConnectionFacts, Rejected } from './types.ts';

/** Finds the filter chain of a connection; `undefined` when no chain but perhaps a default applies. */
export interface ChainIndex {
  find(facts: ConnectionFacts): FilterChain | undefined;
  /** Why each of the other chains does not serve the connection. */
  losers(facts: ConnectionFacts, winner: FilterChain | undefined): readonly Rejected[];
}

type Node = ReadonlyMap<string, Node | FilterChain>;

/** One criterion of Envoy's chain matching: the keys under which a chain is filed, and the most specific of them that fits a connection. */
interface Level {
  readonly name: string;
  keys(match: FilterChainMatch): readonly string[];
  pick(node: Node, facts: ConnectionFacts): string | undefined;
  actual(facts: ConnectionFacts): string;
}

const any = '';

/**
 * Indexes filter chains. Criteria are tried in Envoy's order, the most specific value of each first, and a choice is never taken back:
 * when a port has chains of its own, the chains without a port are out. Throws when two chains match the same connections.
 * Source: Envoy, config.listener.v3.FilterChainMatch.
 */
export function indexChains(chains: readonly FilterChain[]): ChainIndex {
  const root = new Map<string, Node | FilterChain>();
  for (const chain of chains) file(root, chain, 0);
  return {
    find: (facts) => descend(root, facts),
    losers: (facts, winner) => chains.filter((chain) => chain !== winner).map((chain) => ({ what: `filter chain ${chainTitle(chain)}`, why: whyNot(chain, facts) })),
  };
}

/** A chain in a few words: its name, or (as Istio leaves most chains of outbound listeners without one) what takes its connections. */
export function chainTitle({ name, filters }: FilterChain): string {
  if (name !== undefined && name !== '') return name;
  const terminal = filters?.at(-1)?.typedConfig as { readonly rds?: { readonly routeConfigName?: string }; readonly routeConfig?: { readonly name?: string }; readonly statPrefix?: string } | undefined;
  const routes = terminal?.rds?.routeConfigName ?? terminal?.routeConfig?.name;
  if (routes !== undefined && routes !== '') return `HTTP, route table ${routes}`;
  return terminal?.statPrefix === undefined || terminal.statPrefix === '' ? 'the only chain' : `TCP to ${terminal.statPrefix}`;
}

function file(node: Map<string, Node | FilterChain>, chain: FilterChain, depth: number): void {
  const level = levels[depth];
  if (level === undefined) return;
  const keys = level.keys(chain.filterChainMatch ?? {});
  for (const key of keys.length === 0 ? [any] : keys) {
    if (depth === levels.length - 1) {
      if (node.has(key)) throw new Error(`multiple filter chains with the same matching rules are defined: ${chain.name ?? ''}`);
      node.set(key, chain);
    } else {
      const next = (node.get(key) as Map<string, Node | FilterChain> | undefined) ?? new Map<string, Node | FilterChain>();
      node.set(key, next);
      file(next, chain, depth + 1);
    }
  }
}

function descend(root: Node, facts: ConnectionFacts): FilterChain | undefined {
  let node: Node | FilterChain = root;
  for (const level of levels) {
    const key = level.pick(node as Node, facts);
    const next: Node | FilterChain | undefined = key === undefined ? undefined : (node as Node).get(key);
    if (next === undefined) return undefined;
    node = next;
  }
  return node as FilterChain;
}

function whyNot(chain: FilterChain, facts: ConnectionFacts): string {
  for (const level of levels) {
    const keys = level.keys(chain.filterChainMatch ?? {});
    const alone: Node = new Map(keys.map((key) => [key, chain]));
    if (keys.length > 0 && level.pick(alone, facts) === undefined) return `wants ${level.name} ${keys.join(' or ')}, but it is ${level.actual(facts)}`;
  }
  return 'a more specific chain matched';
}

const levels: readonly Level[] = [
  {
    name: 'destination port',
    keys: ({ destinationPort }) => (destinationPort ? [String(destinationPort)] : []),
    pick: (node, { destinationPort }) => firstOf(node, String(destinationPort), any),
    actual: ({ destinationPort }) => String(destinationPort),
  },
  ipLevel('destination IP', ({ prefixRanges }) => prefixRanges, ({ destinationIp }) => destinationIp),
  {
    name: 'server name',
    keys: ({ serverNames = [] }) => serverNames.map((name) => name.toLowerCase()),
    pick: (node, { serverName }) => pickServerName(node, serverName?.toLowerCase() ?? any),
    actual: ({ serverName }) => serverName ?? 'not given',
  },
  {
    name: 'transport protocol',
    keys: ({ transportProtocol }) => (transportProtocol ? [transportProtocol] : []),
    pick: (node, { transportProtocol }) => firstOf(node, transportProtocol, any),
    actual: ({ transportProtocol }) => transportProtocol,
  },
  {
    name: 'application protocol',
    keys: ({ applicationProtocols = [] }) => applicationProtocols,
    pick: (node, { applicationProtocols }) => firstOf(node, ...applicationProtocols, any),
    actual: ({ applicationProtocols }) => applicationProtocols.join(', ') || 'not known',
  },
  ipLevel('direct source IP', ({ directSourcePrefixRanges }) => directSourcePrefixRanges, ({ sourceIp }) => sourceIp),
  {
    name: 'source type',
    keys: ({ sourceType }) => (sourceType === undefined || sourceType === 'ANY' ? [] : [sourceType]),
    pick: (node, facts) => firstOf(node, sourceType(facts), any),
    actual: sourceType,
  },
  ipLevel('source IP', ({ sourcePrefixRanges }) => sourcePrefixRanges, ({ sourceIp }) => sourceIp),
  {
    name: 'source port',
    keys: ({ sourcePorts = [] }) => sourcePorts.map(String),
    pick: (node) => firstOf(node, any),
    actual: () => 'not known',
  },
];

function ipLevel(name: string, ranges: (match: FilterChainMatch) => FilterChainMatch['prefixRanges'], address: (facts: ConnectionFacts) => string): Level {
  return {
    name,
    keys: (match) => (ranges(match) ?? []).map(({ addressPrefix = '', prefixLen = 0 }) => `${addressPrefix}/${prefixLen}`),
    pick: (node, facts) => pickRange(node, address(facts)),
    actual: address,
  };
}

/** The longest range that holds the address. */
function pickRange(node: Node, address: string): string | undefined {
  const fallback = node.has(any) ? any : undefined;
  if (node.size === (fallback === undefined ? 0 : 1)) return fallback;
  const bytes = parseIp(address);
  if (bytes === undefined) return fallback;
  let best: { readonly key: string; readonly range: IpRange } | undefined;
  for (const key of node.keys()) {
    if (key === any) continue;
    const range = parseRange(key);
    if (inRange(bytes, range) && (best === undefined || range.length > best.range.length)) best = { key, range };
  }
  return best?.key ?? fallback;
}

/** Exact, then `*.example.com` with ever shorter suffixes, then chains without server names. */
function pickServerName(node: Node, name: string): string | undefined {
  if (name === any || node.has(name)) return firstOf(node, name);
  for (let dot = name.indexOf('.', 1); dot >= 0 && dot < name.length - 1; dot = name.indexOf('.', dot + 1)) {
    const wildcard = `*${name.slice(dot)}`;
    if (node.has(wildcard)) return wildcard;
  }
  return firstOf(node, any);
}

function firstOf(node: Node, ...keys: readonly string[]): string | undefined {
  return keys.find((key) => node.has(key));
}

function sourceType({ sourceIp, destinationIp }: ConnectionFacts): string {
  return isLoopback(sourceIp) || sourceIp === destinationIp ? 'SAME_IP_OR_LOOPBACK' : 'EXTERNAL';
}
