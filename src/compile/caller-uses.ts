import type { NamespaceRules } from './destination-rules.ts';
import { dependsOnPlace, type Backend } from './load-assignments.ts';
import type { MeshConfig } from './mesh-config.ts';
import type { MeshDestinationRule, MeshService, MeshVirtualService } from './model.ts';

/** Where the labels of the proxy that calls make a difference. Everywhere else, proxies of a namespace share what is made for one of them. */
export interface CallerUses {
  /** VirtualServices that look at labels of callers. */
  readonly rules: ReadonlySet<MeshVirtualService>;
  /** Some DestinationRule holds for some callers only. */
  readonly destinations: boolean;
  /** Some endpoints are ordered by where the caller is. */
  readonly places: boolean;
}

/** What it is worked out from. */
export interface UsesInput {
  readonly backends: ReadonlyMap<MeshService, Backend>;
  readonly virtualServices: readonly MeshVirtualService[];
  readonly destinationRules: ReadonlyMap<string, NamespaceRules>;
  readonly mesh: Pick<MeshConfig, 'localityLbSetting'>;
}

/** Looks all rules through, once a snapshot. */
export function callerUses({ backends, virtualServices, destinationRules, mesh }: UsesInput): CallerUses {
  const rules = [...destinationRules.values()].flatMap(({ exact }) => [...exact.values()].flat());
  return {
    rules: new Set(virtualServices.filter(readsLabels)),
    destinations: rules.some(({ workloadSelector }) => workloadSelector !== undefined),
    places: dependsOnPlace({ endpoints: [] }, [mesh.localityLbSetting, ...rules.flatMap(localitySettings)]) || [...backends.values()].some((backend) => dependsOnPlace(backend, [])),
  };
}

function readsLabels({ http, tls, tcp }: MeshVirtualService): boolean {
  const matches = [...http.map(({ rule }) => rule), ...tls, ...tcp].flatMap((rule): readonly { readonly sourceLabels: Readonly<Record<string, string>> }[] => rule.match);
  return matches.some(({ sourceLabels }) => Object.keys(sourceLabels).length > 0);
}

/** All locality settings of a rule, for whatever port or subset. */
export function localitySettings(rule: MeshDestinationRule | undefined): readonly (MeshConfig['localityLbSetting'] | undefined)[] {
  const policies = [rule?.trafficPolicy, ...(rule?.subsets ?? []).map(({ subset }) => subset.trafficPolicy)].filter((policy) => policy !== undefined);
  return policies.flatMap((policy) => [policy, ...policy.portLevelSettings]).map(({ loadBalancer }) => loadBalancer?.localityLbSetting);
}
