import { readPlainYaml, type TypedResource } from '../manifest/index.ts';
import type { SnapshotIndex } from './snapshot-index.ts';
import type { ReportingMesh } from './telemetry.ts';
import type { ProxyNode } from './types.ts';

/** The environment that ProxyConfig resources give a proxy: that of the mesh, of its namespace, then its own by label, each over the one before. Source: istio.io, ProxyConfig. */
export function environmentOf({ namespace, labels }: Pick<ProxyNode, 'namespace' | 'labels'>, configs: readonly TypedResource<'ProxyConfig'>[], rootNamespace: string): Readonly<Record<string, string>> {
  const rank = ({ spec, metadata }: TypedResource<'ProxyConfig'>): number => {
    const selector = Object.entries(spec.selector?.matchLabels ?? {});
    const scope = metadata.namespace;
    if (selector.length > 0) return scope === namespace && selector.every(([key, value]) => labels[key] === value) ? 2 : -1;
    return scope === namespace ? 1 : scope === rootNamespace ? 0 : -1;
  };
  const ranked = configs.map((config) => ({ config, at: rank(config) })).filter(({ at }) => at >= 0).sort((one, other) => one.at - other.at);
  return Object.assign({}, ...ranked.map(({ config }) => config.spec.environmentVariables)) as Readonly<Record<string, string>>;
}

/** The index as a proxy sees it whose own environment says otherwise than the mesh whether its callers may speak HTTP/1.0. */
export function withEnvironment(index: SnapshotIndex, node: ProxyNode): SnapshotIndex {
  const { mesh } = index.snapshot;
  const annotated = node.annotations['proxy.istio.io/config'];
  if (index.proxyConfigs.length === 0 && annotated === undefined) return index;
  const said = { ...environmentOf(node, index.proxyConfigs, mesh.rootNamespace), ...metadataOf(annotated) }['ISTIO_META_HTTP10'];
  if (said === undefined || (said === '1') === mesh.http10) return index;
  return { ...index, snapshot: { ...index.snapshot, mesh: index.recall.of(speaking, mesh, said === '1') } };
}

function speaking(mesh: ReportingMesh, http10: boolean): ReportingMesh {
  return { ...mesh, http10 };
}

/** `proxyMetadata` of a pod's annotation. Source: istio.io, Resource Annotations, `proxy.istio.io/config`. */
function metadataOf(annotation: string | undefined): Readonly<Record<string, unknown>> {
  const own = annotation === undefined ? undefined : (readPlainYaml(annotation) as { readonly proxyMetadata?: unknown } | null | undefined)?.proxyMetadata;
  return typeof own === 'object' && own !== null ? (own as Readonly<Record<string, unknown>>) : {};
}
