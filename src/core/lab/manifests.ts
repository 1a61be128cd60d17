import { analyze } from '../../analyze/index.ts';
import { captureProblems, captureSettings, LabFailure, type ApplyResult, type SwitchAction } from '../../contract/index.ts';
import { defaultMeshConfig, gatewayStatus } from '../../compile/index.ts';
import { consentNeeded, gatewayGroup, groupOf, kindFromAlias, parseManifests, podTemplates, validate, withInstalled, type Diagnostic, type Resource, type SourceFile } from '../../manifest/index.ts';
import { throwSwitch } from '../switches/index.ts';
import { applyFiles, changesBetween, deleteFiles } from './merge-files.ts';
import type { Session } from './session.ts';

/** Resources and everything that is found about them: what cannot be read, what is not valid, what will not work. */
export function examine(files: readonly SourceFile[]): { readonly resources: readonly Resource[]; readonly diagnostics: readonly Diagnostic[] } {
  const { resources, diagnostics } = parseManifests(files);
  return { resources, diagnostics: [...diagnostics, ...analyze({ resources: withInstalled(resources) }), ...captureFindings(resources)] };
}

/** Annotations of traffic capture from which no rules can be made: such pods would not start. */
function captureFindings(resources: readonly Resource[]): readonly Diagnostic[] {
  return podTemplates(resources).flatMap(({ annotations, resource, specPath, kind, namespace, workload }) => captureProblems(captureSettings(annotations)).map((message): Diagnostic => {
    const { file, line, column } = { ...resource.origin, ...resource.locate([...specPath.slice(0, -1), 'metadata', 'annotations']) };
    return { code: 'WEFT0107', level: 'error', message: `Traffic capture: ${message}`, help: 'See traffic.sidecar.istio.io/* among Istio’s annotations.', file, line, column, resource: `${kind} ${namespace}/${workload}` };
  }));
}

/** Rejects with `manifest-invalid` when there is an error, with `consent-required` when something dangerous was not agreed to. */
export function requireRunnable(files: readonly SourceFile[], consent: readonly string[]): readonly Resource[] {
  const { resources, diagnostics } = parseManifests(files);
  const errors = [...diagnostics, ...resources.flatMap((resource) => validate(resource))].filter((one) => one.level === 'error');
  if (errors.length > 0) throw new LabFailure('manifest-invalid', `${errors.length === 1 ? 'A manifest has an error' : `The manifests have ${errors.length} errors`}.`, { diagnostics: errors, help: 'Nothing was started. Mend the lines below.' });
  requireConsent(resources, consent);
  return resources;
}

function requireConsent(resources: readonly Resource[], consent: readonly string[]): void {
  const missing = resources.flatMap((resource) => consentNeeded(resource)).filter(({ item }) => !consent.includes(item));
  if (missing.length === 0) return;
  const items = [...new Set(missing.map(({ item }) => item))];
  throw new LabFailure('consent-required', `The manifests ask for ${items.join(', ')}, which reaches beyond the lab: ${missing.map(({ item, why, file, line }) => `${file}:${line} ${item} (${why})`).join('; ')}.`,
    { help: `Allow it item by item if you trust them: ${items.map((item) => `--consent ${item}`).join(' ')}` });
}

/** What a change of files needs beside the session: to bring the pods in line. */
export type Reconcile = (resources: readonly Resource[]) => Promise<void>;

/** Puts files in force: manifests to the control plane, pods in line with them. Errors leave everything as it was. */
async function changeFiles(session: Session, edit: (before: readonly SourceFile[]) => readonly SourceFile[], options: { readonly dryRun?: boolean; readonly consent?: readonly string[]; readonly reconcile: Reconcile }): Promise<ApplyResult> {
  const before = await session.files();
  const after = edit(before);
  const changes = changesBetween(before, after);
  if (options.dryRun === true || changes.length === 0) {
    const { diagnostics } = examine(after);
    return { applied: options.dryRun !== true, version: (await session.control.status()).version, changes, diagnostics };
  }
  const { resources: held } = session.read(before);
  const { resources } = session.read(after);
  requireConsent(resources, options.consent ?? []);
  const result = await session.control.setFiles(after);
  if (result.applied && podsDiffer(held, resources)) await options.reconcile(resources);
  session.changed();
  return { applied: result.applied, version: result.version, changes: result.applied ? changes : [], diagnostics: result.diagnostics };
}

/** Config maps and secrets count, since pods mount them, Gateways, since they are pods or open ports of one, and what installs the mesh: it brings gateways and the trust domain. */
function podsDiffer(before: readonly Resource[], after: readonly Resource[]): boolean {
  const print = (resources: readonly Resource[]): string => JSON.stringify([podTemplates(resources), resources.filter(({ kind }) => ['Service', 'ConfigMap', 'Secret', 'Namespace', 'Gateway', 'GatewayClass', 'Ingress', 'IngressClass', 'IstioOperator'].includes(kind)).map(({ body }) => body)], (key, value: unknown) => (key === 'origin' ? undefined : value));
  return print(before) !== print(after);
}

export async function apply(session: Session, files: readonly SourceFile[], options: Parameters<typeof changeFiles>[2]): Promise<ApplyResult> {
  return await changeFiles(session, (before) => applyFiles(before, files), options);
}

export async function remove(session: Session, files: readonly SourceFile[], options: Parameters<typeof changeFiles>[2]): Promise<ApplyResult> {
  return await changeFiles(session, (before) => deleteFiles(before, files), options);
}

export async function throwIn(session: Session, action: SwitchAction, options: Parameters<typeof changeFiles>[2]): Promise<ApplyResult> {
  return await changeFiles(session, (before) => throwSwitch(before, action), options);
}

/** Resources as plain JSON, by kind in any of kubectl's spellings. */
export async function get(session: Session, { kind, name, namespace }: { readonly kind: string; readonly name?: string; readonly namespace?: string }): Promise<readonly Record<string, unknown>[]> {
  const resources = await session.resources();
  const wanted = kindFromAlias(kind) ?? resources.find((resource) => resource.kind.toLowerCase() === kind.toLowerCase())?.kind;
  if (wanted === undefined) throw new LabFailure('usage', `${kind} is not a kind that is known.`, { help: 'Use kubectl’s names, such as vs, dr, gw, svc, deploy, pa.' });
  const chosen = resources.filter((resource) => resource.kind === wanted && (name === undefined || resource.metadata.name === name) && (namespace === undefined || resource.metadata.namespace === namespace));
  const statuses = await statusesOf(session, chosen, resources);
  return chosen.map((resource) => ({ ...resource.body, ...(statuses.has(resource) ? { status: statuses.get(resource) } : {}) }));
}

/** What Gateway API resources say of themselves; other kinds have no status here. */
async function statusesOf({ control }: Session, chosen: readonly Resource[], resources: readonly Resource[]): Promise<ReadonlyMap<Resource, unknown>> {
  if (!chosen.some(({ apiVersion }) => groupOf(apiVersion) === gatewayGroup)) return new Map();
  const virtualIps = new Map(Object.entries(await control.virtualIps()));
  return new Map(gatewayStatus({ resources, virtualIps, mesh: defaultMeshConfig }).map(({ resource, status }) => [resource, status]));
}
