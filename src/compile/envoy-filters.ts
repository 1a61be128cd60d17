import { applyPatches, type PlacedPatch } from '../features/envoy-filter/compile.ts';
import { gatewayGroup, type TypedResource } from '../manifest/index.ts';
import type { ProxyConfig } from '../xds/index.ts';
import { gatewayRouteName } from './gateway-routes.ts';
import { gatewayServers } from './gateway-servers.ts';
import { originAt, selects } from './model.ts';
import type { SnapshotIndex } from './snapshot-index.ts';
import type { ProxyNode } from './types.ts';

/** The version of Istio whose configuration the lab compiles; patches can ask for it. */
const istioVersion = '1.29.0';
/** The label that the pods of a Kubernetes Gateway carry. */
const gatewayLabel = 'gateway.networking.k8s.io/gateway-name';

/** The configuration of a proxy with the EnvoyFilters that choose it. */
export function withEnvoyFilters(index: SnapshotIndex, node: ProxyNode, config: ProxyConfig): ProxyConfig {
  const filters = index.envoyFilters.filter((filter) => chooses(filter, node, index.snapshot.mesh.rootNamespace));
  if (filters.length === 0) return config;
  const patches = filters.flatMap((filter) => filter.spec.configPatches.map((patch, at): PlacedPatch => ({ patch, origin: originAt(filter, ['spec', 'configPatches', at]) })));
  return applyPatches(config, patches, { type: node.type, version: istioVersion, metadata: metadataOf(node), gateways: gatewaysOf(index, node) });
}

/** What a proxy says of itself, by Istio's names. */
function metadataOf({ namespace, name, serviceAccount }: ProxyNode): Readonly<Record<string, string>> {
  return { ISTIO_VERSION: istioVersion, NAMESPACE: namespace, NAME: name, SERVICE_ACCOUNT: serviceAccount, CLUSTER_ID: 'Kubernetes', MESH_ID: 'cluster.local' };
}

function chooses({ metadata, spec }: TypedResource<'EnvoyFilter'>, node: ProxyNode, rootNamespace: string): boolean {
  if (metadata.namespace !== rootNamespace && metadata.namespace !== node.namespace) return false;
  if (spec.targetRefs.length > 0) {
    return spec.targetRefs.some(({ group, kind, name }) => group === gatewayGroup && ((kind === 'Gateway' && node.namespace === metadata.namespace && node.labels[gatewayLabel] === name) || (kind === 'GatewayClass' && node.labels[gatewayLabel] !== undefined && metadata.namespace === rootNamespace)));
  }
  return selects(spec.workloadSelector?.labels ?? {}, node.labels);
}

function gatewaysOf(index: SnapshotIndex, node: ProxyNode): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  if (node.type !== 'router') return found;
  for (const server of gatewayServers(index, node)) {
    if (server.kind !== 'http' && server.kind !== 'https') continue;
    const name = gatewayRouteName(server);
    found.set(name, (found.get(name) ?? new Set()).add(`${server.gatewayNamespace}/${server.gatewayName}`));
  }
  return found;
}
