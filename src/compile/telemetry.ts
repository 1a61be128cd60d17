import { compileAccessLogs } from '../features/telemetry/compile-logs.ts';
import { compileMetrics } from '../features/telemetry/compile-metrics.ts';
import { tracer, type Reach } from '../features/telemetry/compile-providers.ts';
import { compileTracing, type Side, type TracingDefaults } from '../features/telemetry/compile.ts';
import { readPlainYaml, type Telemetry, type TypedResource } from '../manifest/index.ts';
import type { HttpConnectionManager, HttpFilterConfig } from '../xds/index.ts';
import { resolveHost } from './hosts.ts';
import { tracingFrom, type MeshConfig } from './mesh-config.ts';
import { appliesTo } from './policy-targets.ts';
import type { SnapshotIndex } from './snapshot-index.ts';
import type { ProxyNode } from './types.ts';

/** What one side of a proxy reports: its part of connection managers and TCP proxies. */
export interface Reporting {
  readonly tracing: Pick<HttpConnectionManager, 'tracing' | 'requestIdExtension'>;
  readonly accessLog: NonNullable<HttpConnectionManager['accessLog']>;
  /** The filter that counts, where rules change it. */
  readonly stats: readonly HttpFilterConfig[];
}

/** The mesh's config with what a proxy reports. */
export interface ReportingMesh extends MeshConfig {
  readonly reporting: Readonly<Record<Side, Reporting>>;
}

/** A mesh whose proxies report as it says, without any Telemetry. */
export function reportingMesh(mesh: MeshConfig, hosts: ReadonlySet<string>): ReportingMesh {
  return { ...mesh, reporting: reportingOf([], mesh.tracing, mesh, reachOf(mesh, hosts)) };
}

/** The index as a proxy sees it whose Telemetry resources and annotations say what it reports. */
export function withTelemetry(index: SnapshotIndex, node: ProxyNode): SnapshotIndex {
  const chosen = telemetriesFor(index, node);
  const annotated = node.annotations['proxy.istio.io/config'];
  if (chosen.length === 0 && annotated === undefined) return index;
  const { mesh } = index.snapshot;
  const reporting = reportingOf(chosen, annotatedTracing(annotated, mesh.tracing), mesh, reachOf(mesh, index.hosts));
  // One object for all proxies that report alike, so that they share what is made with it.
  return { ...index, snapshot: { ...index.snapshot, mesh: index.recall.of(reportingAs, mesh, JSON.stringify(reporting)) } };
}

function reportingAs(mesh: ReportingMesh, reporting: string): ReportingMesh {
  return { ...mesh, reporting: JSON.parse(reporting) as ReportingMesh['reporting'] };
}

function reportingOf(telemetries: readonly Telemetry[], tracing: TracingDefaults, mesh: MeshConfig, reach: Reach): ReportingMesh['reporting'] {
  const provider = (name: string): ReturnType<typeof tracer> => {
    const found = mesh.providers.find((one) => one.name === name);
    return found === undefined ? undefined : tracer(found, reach);
  };
  const side = (name: Side): Reporting => ({
    tracing: compileTracing(telemetries, name, tracing, provider), accessLog: compileAccessLogs(telemetries, name, mesh, reach), stats: compileMetrics(telemetries, name, mesh.providers),
  });
  return { client: side('client'), server: side('server') };
}

/** `namespace/host`, a short name in the root namespace, or a whole name. */
function reachOf({ domainSuffix, rootNamespace }: MeshConfig, hosts: ReadonlySet<string>): Reach {
  return (service, port) => {
    const host = resolveHost(service.slice(service.indexOf('/') + 1), rootNamespace, domainSuffix);
    return hosts.has(host) ? { host, cluster: `outbound|${port}||${host}` } : undefined;
  };
}

/** Source: istio.io, Resource Annotations, `proxy.istio.io/config`. */
function annotatedTracing(annotation: string | undefined, defaults: TracingDefaults): TracingDefaults {
  return annotation === undefined ? defaults : tracingFrom((readPlainYaml(annotation) as { readonly tracing?: unknown } | undefined)?.tracing, defaults);
}

/**
 * The Telemetry resources of a proxy, the widest first: the mesh's (root namespace), its namespace's, its own by selector or by its Gateway. Of several
 * of one rank the oldest counts. Source: istio.io, Telemetry, "Scope, inheritance, and overrides".
 */
function telemetriesFor(index: SnapshotIndex, node: ProxyNode): readonly Telemetry[] {
  const { rootNamespace } = index.snapshot.mesh;
  const whole = ({ spec }: TypedResource<'Telemetry'>): boolean => Object.keys(spec.selector?.matchLabels ?? {}).length === 0 && spec.targetRef === undefined && spec.targetRefs.length === 0;
  const of = (namespace: string, selected: boolean): readonly Telemetry[] => {
    const found = index.telemetries.find((telemetry) => telemetry.metadata.namespace === namespace && whole(telemetry) !== selected && appliesTo(telemetry, node, rootNamespace));
    return found === undefined ? [] : [found.spec];
  };
  const mesh = of(rootNamespace, false);
  return [...mesh, ...(node.namespace === rootNamespace ? [] : of(node.namespace, false)), ...of(node.namespace, true)];
}
