import type { Listener } from '../xds/index.ts';
import { indexChains, type ChainIndex } from './filter-chains.ts';
import type { ConnectionFacts, ListenerMatch, ListenerTable, PreparedListener, Rejected } from './types.ts';

type Predicate = NonNullable<NonNullable<Listener['listenerFilters']>[number]['filterDisabled']>;

const none: readonly Rejected[] = [];
const anyAddress = new Set(['0.0.0.0', '::']);

/**
 * Makes listeners ready to match. A connection comes in on the socket of one listener; where that one says `useOriginalDst`,
 * it is handed to the listener bound to the original `ip:port`, else to the one bound to any address and that port, else the first one keeps it.
 * Throws when a listener's chains contradict each other: the proxy then rejects it.
 * Source: Envoy, config.listener.v3.Listener, use_original_dst.
 */
export function prepareListeners(listeners: readonly Listener[]): ListenerTable {
  const byAddress = new Map<string, PreparedListener>();
  const accepting = new Map<number, PreparedListener>();
  for (const config of listeners) {
    const prepared = prepareListener(config);
    for (const { ip, port } of addressesOf(config)) {
      byAddress.set(`${anyAddress.has(ip) ? '*' : ip}:${port}`, prepared);
      if (config.bindToPort !== false) accepting.set(port, prepared);
    }
  }
  const find = (localPort: number, ip: string, port: number): PreparedListener | undefined => {
    const accepted = accepting.get(localPort);
    if (accepted?.listener.useOriginalDst !== true) return accepted;
    return byAddress.get(`${ip}:${port}`) ?? byAddress.get(`*:${port}`) ?? accepted;
  };
  return {
    find,
    match(localPort, facts, explain = false) {
      const prepared = find(localPort, facts.destinationIp, facts.destinationPort);
      return prepared === undefined ? { kind: 'no-listener', rejected: none } : prepared.match(facts, explain);
    },
  };
}

/** The addresses that a listener is bound to. */
export function addressesOf(listener: Listener): readonly { readonly ip: string; readonly port: number }[] {
  const all = [listener.address, ...(listener.additionalAddresses ?? []).map(({ address }) => address)];
  return all.flatMap((address) => {
    const socket = address?.socketAddress;
    return socket === undefined ? [] : [{ ip: socket.address ?? '0.0.0.0', port: socket.portValue ?? 0 }];
  });
}

function prepareListener(listener: Listener): PreparedListener {
  const index = indexChains(listener.filterChains ?? []);
  return {
    listener,
    inspects: (port) => ({ tls: inspects(listener, 'tls_inspector', port), http: inspects(listener, 'http_inspector', port) }),
    expectsProxyHeader: (listener.listenerFilters ?? []).some(({ name }) => name?.endsWith('proxy_protocol') === true),
    match: (facts, explain = false) => matchChain(listener, index, facts, explain),
  };
}

function matchChain(listener: Listener, index: ChainIndex, facts: ConnectionFacts, explain: boolean): ListenerMatch {
  const found = index.find(facts);
  const rejected = explain ? index.losers(facts, found) : none;
  const chain = found ?? listener.defaultFilterChain;
  return chain === undefined ? { kind: 'no-filter-chain', listener, rejected } : { kind: 'chain', listener, chain, rejected };
}

function inspects(listener: Listener, inspector: string, port: number): boolean {
  const filter = (listener.listenerFilters ?? []).find(({ name }) => name?.endsWith(inspector) === true);
  return filter !== undefined && (filter.filterDisabled === undefined || !holds(filter.filterDisabled, port));
}

function holds(predicate: Predicate, port: number): boolean {
  if (predicate.anyMatch === true) return true;
  if (predicate.notMatch !== undefined) return !holds(predicate.notMatch, port);
  if (predicate.orMatch !== undefined) return (predicate.orMatch.rules ?? []).some((rule) => holds(rule, port));
  if (predicate.andMatch !== undefined) return (predicate.andMatch.rules ?? []).every((rule) => holds(rule, port));
  const range = predicate.destinationPortRange;
  return range !== undefined && port >= (range.start ?? 0) && port < (range.end ?? 0);
}
