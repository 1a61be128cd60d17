import type { Telemetry, TypedResource } from '../manifest/index.ts';
import { selects } from './model.ts';
import type { SnapshotIndex } from './snapshot-index.ts';
import type { ProxyNode } from './types.ts';

/** The index as a proxy sees it whose Telemetry resources say what it logs. */
export function withTelemetry(index: SnapshotIndex, node: ProxyNode): SnapshotIndex {
  const chosen = telemetriesFor(index, node);
  const written = chosen.findLast(({ accessLogging }) => accessLogging.length > 0);
  if (written === undefined) return index;
  const { mesh } = index.snapshot;
  return { ...index, snapshot: { ...index.snapshot, mesh: { ...mesh, accessLogging: loggedBy(written.accessLogging, mesh.accessLogging) } } };
}

/**
 * The Telemetry resources of a proxy, the widest first: the mesh's (root namespace), its namespace's, its own by selector. Of several
 * of one rank the oldest counts. Source: istio.io, Telemetry, "Scope, inheritance, and overrides".
 */
function telemetriesFor(index: SnapshotIndex, node: ProxyNode): readonly Telemetry[] {
  const { rootNamespace } = index.snapshot.mesh;
  const whole = ({ spec }: TypedResource<'Telemetry'>): boolean => Object.keys(spec.selector?.matchLabels ?? {}).length === 0 && spec.targetRef === undefined && spec.targetRefs.length === 0;
  const of = (namespace: string, selected: boolean): readonly Telemetry[] => {
    const found = index.telemetries.find((telemetry) => telemetry.metadata.namespace === namespace && whole(telemetry) !== selected && selects(telemetry.spec.selector?.matchLabels ?? {}, node.labels) && telemetry.spec.targetRefs.length === 0 && telemetry.spec.targetRef === undefined);
    return found === undefined ? [] : [found.spec];
  };
  const mesh = of(rootNamespace, false);
  return [...mesh, ...(node.namespace === rootNamespace ? [] : of(node.namespace, false)), ...of(node.namespace, true)];
}

/** Each entry turns the logging of its side on or off; a later one goes over an earlier one. */
function loggedBy(entries: Telemetry['accessLogging'], before: { readonly client: boolean; readonly server: boolean }): { readonly client: boolean; readonly server: boolean } {
  return entries.reduce((logged, { match, disabled }) => {
    const mode = match?.mode ?? 'CLIENT_AND_SERVER';
    return { client: mode === 'SERVER' ? logged.client : disabled !== true, server: mode === 'CLIENT' ? logged.server : disabled !== true };
  }, before);
}
