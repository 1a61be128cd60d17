import { checkFields } from './fields.ts';
import { at, formatPath, isKind, resourceName, type TypedResource } from './guards.ts';
import { MeshConfig } from './kinds/mesh-config.ts';
import { parseTyped } from './typed.ts';
import type { Diagnostic, Resource } from './types.ts';
import { readYaml } from './yaml.ts';

/** Where Istio's control plane reads the mesh's configuration. */
const place = { name: 'istio', namespace: 'istio-system' } as const;

/** Whether a resource is the ConfigMap that holds the mesh's configuration. */
export function isMeshConfigMap(resource: Resource): resource is TypedResource<'ConfigMap'> {
  return isKind(resource, 'ConfigMap') && resource.metadata.name === place.name && resource.metadata.namespace === place.namespace;
}

/**
 * The mesh's configuration as plain JSON: what an IstioOperator says under `spec.values.meshConfig`, over it `spec.meshConfig`, and over both what the ConfigMap `istio`
 * says under `mesh`, as istioctl and Istio do. Unset parts are missing; a text that does not parse counts as nothing and is reported
 * by {@link checkMeshConfigMap}.
 */
export function meshDocument(resources: readonly Resource[]): Readonly<Record<string, unknown>> {
  const installed = resources.filter((resource) => isKind(resource, 'IstioOperator')).flatMap(({ body }) => {
    const spec = isMap(body['spec']) ? body['spec'] : {};
    const values = isMap(spec['values']) ? spec['values'] : {};
    return [defaultsOf(values), values['meshConfig'], spec['meshConfig']];
  });
  const maps = resources.filter(isMeshConfigMap).map(({ spec }) => readMesh(spec.data['mesh'] ?? '').value);
  return [...installed, ...maps].reduce<Readonly<Record<string, unknown>>>((merged, next) => over(merged, next), {});
}

/** What Helm values say of all proxies where the mesh config says nothing. Source: istio.io, Helm values of istiod. */
function defaultsOf({ pilot, global }: Readonly<Record<string, unknown>>): unknown {
  const proxy = isMap(global) && isMap(global['proxy']) ? global['proxy'] : {};
  const [sampling, hold] = [isMap(pilot) ? pilot['traceSampling'] : undefined, proxy['holdApplicationUntilProxyStarts']];
  if (sampling === undefined && hold === undefined) return undefined;
  return { defaultConfig: { ...(sampling === undefined ? {} : { tracing: { sampling } }), ...(hold === undefined ? {} : { holdApplicationUntilProxyStarts: hold }) } };
}

/** The trust domain that manifests give the mesh; `undefined` when they leave it to the lab. Source: istio.io, MeshConfig. */
export function trustDomainOf(resources: readonly Resource[]): string | undefined {
  const { trustDomain } = meshDocument(resources);
  return typeof trustDomain === 'string' && trustDomain !== '' ? trustDomain : undefined;
}

function over(below: Readonly<Record<string, unknown>>, above: unknown): Readonly<Record<string, unknown>> {
  if (!isMap(above)) return below;
  return { ...below, ...Object.fromEntries(Object.entries(above).map(([key, value]) => [key, isMap(below[key]) && isMap(value) ? over(below[key], value) : value])) };
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);

function readMesh(text: string): { readonly value: unknown; readonly file: ReturnType<typeof readYaml> } {
  const file = readYaml({ path: 'mesh', text });
  return { value: file.documents[0]?.value, file };
}

/** What is wrong with the mesh's configuration in its ConfigMap, each finding at its line inside of the text. */
export function checkMeshConfigMap(resource: TypedResource<'ConfigMap'>): readonly Diagnostic[] {
  const text = resource.spec.data['mesh'];
  const start = at(resource, ['data', 'mesh']);
  if (text === undefined) return [{ ...start, code: 'WEFT0003', level: 'warning', message: 'The ConfigMap istio has no key mesh, so the mesh keeps its defaults.', help: 'Write data.mesh.' }];
  // Text of several lines is a block that begins below its key, further in.
  const offset = text.includes('\n') ? start.line : start.line - 1;
  const say = (level: Diagnostic['level'], code: string, message: string, position: { readonly line: number; readonly column: number }): Diagnostic => ({
    code, level, message, file: start.file, line: offset + position.line, column: text.includes('\n') ? start.column + 1 + position.column : start.column, resource: resourceName(resource), path: start.path,
  });
  const { value, file } = readMesh(text);
  const unread = file.diagnostics.map(({ code, message, line, column }) => say('error', code, `The mesh config cannot be read: ${message}`, { line, column }));
  const document = file.documents[0];
  if (document === undefined) return unread.length > 0 || text.trim() === '' ? unread : [say('error', 'WEFT0001', 'The mesh config is not a map.', { line: 1, column: 1 })];
  if (!isMap(value)) return [...unread, say('error', 'WEFT0003', 'The mesh config is not a map.', { line: 1, column: 1 })];
  const shape = parseTyped(MeshConfig, value).errors.map(({ path, message }) => say('error', 'IST0106', `${formatPath(path)} ${message}.`, document.locate(path)));
  const fields = checkFields(MeshConfig, value, []).map((finding) => {
    const name = formatPath(finding.path);
    const position = document.locate(finding.path);
    if (finding.kind === 'unknown') return say('warning', 'WEFT0006', `MeshConfig has no field ${name}, so it has no effect.${finding.suggestion === undefined ? '' : ` Did you mean ${finding.suggestion}?`}`, position);
    if (finding.kind === 'broken') return say('error', 'IST0106', `${name} ${finding.message}.`, position);
    return say('info', 'WEFT0007', `${name} is known but not run: ${finding.why}.`, position);
  });
  return [...unread, ...shape, ...fields];
}
