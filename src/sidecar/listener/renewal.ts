import { chainTitle, type ConnectionFacts, type PreparedListener } from '../../routing/index.ts';
import { origin, ruleOrigins, type FilterChain } from '../../xds/index.ts';
import type { ConfigInForce } from '../config/in-force.ts';
import { downstreamTls, terminalFilter } from '../config/validate.ts';
import type { Address } from '../link/index.ts';
import type { HttpConnectionContext } from '../runtime.ts';
import type { Standing } from './live-connections.ts';

/** How a connection came to its chain: what is asked again when the listeners have changed. */
export interface Way {
  readonly port: number;
  readonly destination: Address;
  readonly facts: ConnectionFacts;
}

/** The chain that a connection would get by now. */
export interface ChainNow {
  readonly listener: PreparedListener;
  readonly chain: FilterChain;
}

/** The chain that the listeners in force have for a connection; `undefined` when none would take it, or one that does not speak TLS as the first did. */
export function chainNow({ current }: ConfigInForce, { port, destination, facts }: Way, first: FilterChain): ChainNow | undefined {
  const listener = current.listeners.find(port, destination.ip, destination.port);
  const match = listener?.match(facts);
  if (listener === undefined || match?.kind !== 'chain') return undefined;
  return (downstreamTls(match.chain) === undefined) === (downstreamTls(first) === undefined) ? { listener, chain: match.chain } : undefined;
}

/**
 * What a connection's listeners say by now, for its next request: between sidecars connections live for hours, and a policy that has been
 * acknowledged must be in force on all of them. `undefined` when no chain, or one with other TLS, would take the connection any more.
 */
export function renewal(config: ConfigInForce, way: Way, chain: FilterChain, first: HttpConnectionContext): () => HttpConnectionContext | undefined {
  const transport = JSON.stringify(chain.transportSocket);
  let seen = config.current.listeners;
  let known: HttpConnectionContext | undefined = first;
  return () => {
    const { listeners } = config.current;
    if (listeners === seen) return known;
    seen = listeners;
    const now = chainNow(config, way, chain);
    const terminal = now !== undefined && JSON.stringify(now.chain.transportSocket) === transport ? terminalFilter(now.chain) : undefined;
    if (now === undefined || terminal?.kind !== 'http') known = undefined;
    else known = { ...first, manager: terminal.manager, listener: now.listener.listener.name ?? '', listenerOrigin: origin(now.listener.listener.metadata), filterChain: chainTitle(now.chain), rules: ruleOrigins(now.listener.listener.metadata) };
    return known;
  };
}

/** How a connection stands that is not HTTP: `denied` says what the filters of its chain say of it now. */
export function standingOf(config: ConfigInForce, way: Way, chain: FilterChain, denied: (now: ChainNow) => Promise<boolean>): () => Promise<Standing> {
  const text = withoutProvenance(chain);
  let seen = config.current.listeners;
  let known: Standing = 'as before';
  return async () => {
    const { listeners } = config.current;
    if (listeners === seen) return known;
    seen = listeners;
    const now = chainNow(config, way, chain);
    if (now === undefined || terminalFilter(now.chain).kind !== 'tcp' || await denied(now)) known = 'refused';
    else known = withoutProvenance(now.chain) === text ? 'as before' : 'changed';
    return known;
  };
}

/** What a chain does; where it was written may change without it. */
function withoutProvenance(chain: FilterChain): string {
  return JSON.stringify({ ...chain, metadata: undefined });
}
