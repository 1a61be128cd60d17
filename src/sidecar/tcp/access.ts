import { connectionCheck } from '../../features/authorization/filter-external.ts';
import { connectionAuthorization } from '../../features/authorization/filter.ts';
import { ruleOrigins, typeUrl, type FilterChain, type Listener, type NetworkExtAuthz, type RbacFilter } from '../../xds/index.ts';
import type { AskingEnvironment, ConnectionFilter, ConnectionVerdict, DownstreamConnection } from '../hooks.ts';

/** The filters that judge the connections of a chain; made once per chain. Throws on a config that cannot be used. */
export function connectionFilters(chain: FilterChain, listener: Listener, environment: AskingEnvironment): readonly ConnectionFilter[] {
  const rules = ruleOrigins(listener.metadata);
  return (chain.filters ?? []).flatMap(({ typedConfig }) => {
    const type = (typedConfig as { readonly '@type'?: string } | undefined)?.['@type'];
    if (type === typeUrl.networkRbac) return [connectionAuthorization(typedConfig as RbacFilter, rules, environment)];
    return type === typeUrl.networkExtAuthz ? [connectionCheck(typedConfig as NetworkExtAuthz, rules, environment)] : [];
  });
}

/** What all of a chain's filters say: the first that denies has the last word. */
export async function judge(filters: readonly ConnectionFilter[], connection: DownstreamConnection): Promise<ConnectionVerdict> {
  const steps: ConnectionVerdict['steps'][number][] = [];
  const metadata = new Map<string, Readonly<Record<string, unknown>>>();
  for (const filter of filters) {
    const verdict = await filter(connection, metadata);
    steps.push(...verdict.steps);
    if (verdict.denied !== '') return { denied: verdict.denied, steps };
  }
  return { denied: '', steps };
}
