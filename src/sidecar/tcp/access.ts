import { connectionAuthorization } from '../../features/authorization/filter.ts';
import { ruleOrigins, typeUrl, type FilterChain, type Listener, type RbacFilter } from '../../xds/index.ts';
import type { ConnectionFilter, ConnectionVerdict, DownstreamConnection } from '../hooks.ts';

/** The filters that judge the connections of a chain; made once per chain. Throws on a config that cannot be used. */
export function connectionFilters(chain: FilterChain, listener: Listener): readonly ConnectionFilter[] {
  return (chain.filters ?? []).flatMap(({ typedConfig }) => {
    const config = typedConfig as (RbacFilter & { readonly '@type'?: string }) | undefined;
    return config?.['@type'] === typeUrl.networkRbac ? [connectionAuthorization(config, ruleOrigins(listener.metadata))] : [];
  });
}

/** What all of a chain's filters say: the first that denies has the last word. */
export function judge(filters: readonly ConnectionFilter[], connection: DownstreamConnection): ConnectionVerdict {
  const steps: ConnectionVerdict['steps'][number][] = [];
  for (const filter of filters) {
    const verdict = filter(connection);
    steps.push(...verdict.steps);
    if (verdict.denied !== '') return { denied: verdict.denied, steps };
  }
  return { denied: '', steps };
}
