import { checkFilters } from '../http/manager-filters.ts';
import type { AskingEnvironment } from '../hooks.ts';
import { connectionFilters } from '../tcp/access.ts';
import { typeUrl, type DownstreamTlsContext, type FilterChain, type HttpConnectionManager, type Listener, type TcpProxy } from '../../xds/index.ts';

/** What a filter chain ends in. */
export type Terminal = { readonly kind: 'http'; readonly manager: HttpConnectionManager } | { readonly kind: 'tcp'; readonly proxy: TcpProxy };

/** The terminal filter of a chain. Throws when there is none that we run, or one before it that would be skipped. */
export function terminalFilter(chain: FilterChain): Terminal {
  for (const { name = '', typedConfig } of chain.filters ?? []) {
    const type = (typedConfig as { '@type'?: string } | undefined)?.['@type'];
    if (type === typeUrl.httpConnectionManager) return { kind: 'http', manager: typedConfig as HttpConnectionManager };
    if (type === typeUrl.tcpProxy) return { kind: 'tcp', proxy: typedConfig as TcpProxy };
    if (type !== typeUrl.networkRbac && type !== typeUrl.networkExtAuthz && !name.startsWith('istio.')) throw new Error(`the network filter ${name} is not known`);
  }
  throw new Error(`the filter chain ${chain.name ?? ''} has no terminal filter`);
}

/** The TLS config that a chain terminates with; `undefined` for plaintext. Throws on a transport socket that we do not run. */
export function downstreamTls(chain: FilterChain): DownstreamTlsContext | undefined {
  const socket = chain.transportSocket;
  const config = socket?.typedConfig as (DownstreamTlsContext & { '@type'?: string }) | undefined;
  if (config?.['@type'] === typeUrl.downstreamTls) return config;
  if (socket === undefined || socket.name?.endsWith('raw_buffer') === true) return undefined;
  throw new Error(`the transport socket ${socket.name ?? ''} is not known`);
}

/** All chains of a listener, the default one last. */
export function chainsOf(listener: Listener): readonly FilterChain[] {
  return [...(listener.filterChains ?? []), ...(listener.defaultFilterChain === undefined ? [] : [listener.defaultFilterChain])];
}

/** What filters are made with to see whether they can be. */
const nobody: AskingEnvironment = { clock: { now: () => 0, after: () => () => undefined }, self: '', call: () => Promise.resolve({ unanswered: 'nobody is there' }) };

/** Throws when a listener cannot be run. */
export function checkListener(listener: Listener): void {
  if (listener.name === undefined || listener.name === '') throw new Error('A listener has no name.');
  for (const chain of chainsOf(listener)) {
    try {
      const terminal = terminalFilter(chain);
      downstreamTls(chain);
      connectionFilters(chain, listener, nobody);
      if (terminal.kind === 'http') checkFilters(terminal.manager);
    } catch (error) {
      throw new Error(`Listener ${listener.name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
}

/** The HTTP connection managers of listeners. */
export function managersOf(listeners: readonly Listener[]): readonly HttpConnectionManager[] {
  return listeners.flatMap(chainsOf).map(terminalFilter).flatMap((terminal) => (terminal.kind === 'http' ? [terminal.manager] : []));
}
