import type { TcpProxy } from '../../xds/index.ts';
import type { L4MatchAttributes, TLSMatchAttributes } from './manifest.ts';

/** What is known of a rule's surroundings when config is made. */
export interface ConnectionContext {
  readonly gateway: string;
  readonly port: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly namespace: string;
}

type StaticMatch = Pick<L4MatchAttributes & TLSMatchAttributes, 'gateways' | 'port' | 'sourceLabels' | 'sourceNamespace'>;

/** Whether the static conditions of a TCP or TLS match hold. */
export function connectionMatchApplies(match: StaticMatch, context: ConnectionContext): boolean {
  if (match.gateways.length > 0 && !match.gateways.includes(context.gateway)) return false;
  if (match.port !== 0 && match.port !== context.port) return false;
  if (match.sourceNamespace !== '' && match.sourceNamespace !== context.namespace) return false;
  return Object.entries(match.sourceLabels).every(([name, value]) => context.labels[name] === value);
}

/** Where connections go: one cluster, or several by weight. Destinations of weight 0 are left out beside others. */
export function compileTcpRoute(statPrefix: string, destinations: readonly { readonly cluster: string; readonly weight: number }[]): TcpProxy {
  const [only] = destinations;
  if (destinations.length === 1 && only !== undefined) return { statPrefix: only.cluster, cluster: only.cluster };
  const clusters = destinations.filter(({ weight }) => weight > 0).map(({ cluster, weight }) => ({ name: cluster, weight }));
  return { statPrefix, weightedClusters: { clusters } };
}
