import { z } from 'zod';
import { Accepted, Text, TextMap } from '../util/manifest-fields.ts';
import { checkFields, type FieldFinding } from './fields.ts';
import { formatPath, resourceName } from './guards.ts';
import { groupOf, kindDefinition, kinds } from './kinds/index.ts';
import type { KindDefinition } from './kinds/definition.ts';
import { limits } from './limits.ts';
import { nearest } from './nearest.ts';
import { parseTyped } from './typed.ts';
import type { Diagnostic, ObjectMeta, Position, Resource, SourceFile } from './types.ts';
import { readYaml, type Path, type YamlDocument } from './yaml.ts';

/** What {@link parseManifests} returns. */
export interface ParsedManifests {
  readonly resources: readonly Resource[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads manifests as Kubernetes does: YAML 1.1 or JSON, several documents a file, `List` kinds expanded, empty documents skipped.
 * Never throws. What is wrong is a diagnostic at its line, and everything else still comes through; a resource that is written
 * twice counts as the later one.
 */
export function parseManifests(files: readonly SourceFile[]): ParsedManifests {
  const resources = new Map<string, Resource>();
  const diagnostics: Diagnostic[] = [];
  for (const file of files) {
    const read = readYaml(file);
    const collector = new Collector(file);
    for (const document of read.documents) collector.read(document, document.value, []);
    for (const resource of collector.resources) {
      const key = `${groupOf(resource.apiVersion)}/${resourceName(resource)}`;
      const earlier = resources.get(key);
      if (earlier !== undefined) collector.duplicate(resource, earlier);
      resources.set(key, resource);
    }
    diagnostics.push(...bounded(file, [...read.diagnostics, ...collector.diagnostics].sort(byPlace)));
  }
  return { resources: [...resources.values()], diagnostics };
}

const byPlace = (left: Diagnostic, right: Diagnostic): number => left.line - right.line || left.column - right.column;

function bounded(file: SourceFile, found: readonly Diagnostic[]): readonly Diagnostic[] {
  if (found.length <= limits.diagnostics) return found;
  const more = found.length - limits.diagnostics;
  return [...found.slice(0, limits.diagnostics), { code: 'WEFT0002', level: 'warning', message: `${more} more findings in this file are not listed.`, file: file.path, line: 1, column: 1 }];
}

const Metadata = z.object({
  name: Text,
  namespace: Text,
  labels: TextMap,
  annotations: TextMap,
  creationTimestamp: z.string().exactOptional(),
  generateName: Accepted, uid: Accepted, resourceVersion: Accepted, generation: Accepted, selfLink: Accepted, managedFields: Accepted,
  ownerReferences: Accepted, finalizers: Accepted, deletionTimestamp: Accepted, deletionGracePeriodSeconds: Accepted, clusterName: Accepted,
});

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const usable = /^[A-Za-z0-9]([A-Za-z0-9._:-]*[A-Za-z0-9])?$/;

/** Gathers the resources and findings of one file. */
class Collector {
  readonly resources: Resource[] = [];
  readonly diagnostics: Diagnostic[] = [];
  readonly #file: SourceFile;
  readonly #said = new Set<string>();

  constructor(file: SourceFile) {
    this.#file = file;
  }

  /** Reads one document, or one item of a List at `base` in it. */
  read(document: YamlDocument, body: unknown, base: Path): void {
    if (body === null) return;
    if (!isObject(body)) return this.#say('WEFT0003', 'error', 'This is not a resource: a map with apiVersion, kind and metadata is expected.', document.locate(base));
    const { apiVersion, kind } = body;
    if (typeof apiVersion !== 'string' || apiVersion === '' || typeof kind !== 'string' || kind === '') {
      const missing = typeof kind !== 'string' || kind === '' ? 'kind' : 'apiVersion';
      return this.#say('WEFT0003', 'error', `This resource has no ${missing}, so nobody knows what it is.`, document.locate(base), `Write ${missing} as a string.`);
    }
    if (kind.endsWith('List') && Array.isArray(body['items'])) {
      body['items'].forEach((item: unknown, index) => this.read(document, item, [...base, 'items', index]));
      return;
    }
    this.#resource({ document, body, base, apiVersion, kind });
  }

  /** Says that a resource was written before. */
  duplicate(resource: Resource, earlier: Resource): void {
    const place = `${earlier.origin.file}:${earlier.origin.line}`;
    const position = resource.locate(['metadata', 'name']);
    this.#say('WEFT0005', 'warning', `${resourceName(resource)} is also written at ${place}; this one counts.`, position, 'Remove or rename one of them.', { resource: resourceName(resource) });
  }

  #resource(written: Written): void {
    const { document, body, base, apiVersion, kind } = written;
    const definition = kindDefinition(apiVersion, kind);
    const locate = (path: Path): Position => document.locate([...base, ...path]);
    const metadata = parseTyped(Metadata, isObject(body['metadata']) ? body['metadata'] : {});
    const { name, namespace, labels, annotations, creationTimestamp } = metadata.value as z.output<typeof Metadata>;
    if (name === '') return this.#say('WEFT0003', 'error', `This ${kind.slice(0, 60)} has no metadata.name.`, locate(['metadata']), 'Give it a name.');
    if (!usable.test(name) || name.length > 253 || (namespace !== '' && !/^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$/.test(namespace))) {
      const bad = usable.test(name) && name.length <= 253 ? 'namespace' : 'name';
      return this.#say('WEFT0003', 'error', `metadata.${bad} is not one that Kubernetes accepts, so this ${kind.slice(0, 60)} is left out.`, locate(['metadata', bad]), 'Use lower-case letters, digits and dashes.');
    }
    const namespaced = definition?.namespaced ?? true;
    const meta: ObjectMeta = { name, namespace: namespaced ? namespace || this.#file.namespace || 'default' : '', labels, annotations, ...(creationTimestamp !== undefined && { creationTimestamp }) };
    const start = locate([]);
    const origin = { file: this.#file.path, line: start.line, column: start.column, kind, name, ...(namespaced && { namespace: meta.namespace }) };
    const resource = resourceName({ kind, metadata: meta });
    this.#shape(metadata.errors.map((error) => ({ ...error, path: ['metadata', ...error.path] })), locate, resource);
    this.#fields(checkFields(Metadata, body['metadata'], ['metadata']), kind, locate, resource);
    const spec = this.#spec(written, definition, locate, resource);
    this.resources.push({ apiVersion, kind, metadata: meta, spec, body, origin, locate });
  }

  #spec({ body, apiVersion, kind }: Written, definition: KindDefinition | undefined, locate: Locate, resource: string): unknown {
    if (definition === undefined) {
      this.#unknownKind(apiVersion, kind, locate, resource);
      return body['spec'];
    }
    const version = apiVersion.slice(apiVersion.lastIndexOf('/') + 1);
    if (!definition.versions.includes(version)) {
      this.#say('WEFT0009', 'warning', `${kind} has no version ${version}; it is read as ${definition.versions[0]}.`, locate(['apiVersion']), `Write apiVersion: ${definition.group === '' ? '' : `${definition.group}/`}${definition.versions[0]}`, { resource, path: 'apiVersion' });
    }
    if (definition.notRun !== undefined) this.#once(`kind ${kind}`, 'WEFT0008', `${kind} is read but not run: ${definition.notRun}.`, locate(['kind']), { resource, path: 'kind' });
    if (definition.schema === undefined) return body['spec'];
    return this.#typed(definition, definition.schema, body, locate, resource);
  }

  #typed(definition: KindDefinition, schema: z.ZodType, body: Readonly<Record<string, unknown>>, locate: Locate, resource: string): unknown {
    const { apiVersion: _version, kind, metadata: _metadata, status: _status, ...rest } = body;
    const base: Path = definition.typed === 'spec' ? ['spec'] : [];
    const value = definition.typed === 'spec' ? (rest['spec'] ?? {}) : rest;
    if (definition.specRequired === true && (rest['spec'] ?? null) === null) this.#shape([{ path: ['spec'], message: 'must be written' }], locate, resource);
    if (definition.typed === 'spec') {
      const unknown = Object.keys(rest).filter((name) => name !== 'spec');
      this.#fields(unknown.map((name): FieldFinding => ({ kind: 'unknown', path: [name], name, ...(nearest(name, ['spec', 'metadata']) !== undefined && { suggestion: nearest(name, ['spec', 'metadata'])! }) })), String(kind), locate, resource);
    }
    const parsed = parseTyped(schema, value);
    this.#shape(parsed.errors.map((error) => ({ ...error, path: [...base, ...error.path] })), locate, resource);
    this.#fields(checkFields(schema, value, base), String(kind), locate, resource);
    return parsed.value;
  }

  #unknownKind(apiVersion: string, kind: string, locate: Locate, resource: string): void {
    const group = groupOf(apiVersion);
    const siblings = kinds.filter((candidate) => candidate.group === group).map((candidate) => candidate.kind);
    const elsewhere = kinds.find((candidate) => candidate.kind === kind);
    const place = locate(['kind']);
    const extra = { resource, path: 'kind' };
    if (siblings.length > 0) {
      const meant = nearest(kind, siblings);
      this.#say('WEFT0009', 'warning', `${apiVersion} has no kind ${kind.slice(0, 80)}, so it is not run.`, place, meant === undefined ? undefined : `Did you mean ${meant}?`, extra);
    } else if (elsewhere !== undefined) {
      this.#say('WEFT0009', 'warning', `${kind} is not known in ${apiVersion.slice(0, 80)}, so it is not run.`, locate(['apiVersion']), `Write apiVersion: ${elsewhere.group === '' ? '' : `${elsewhere.group}/`}${elsewhere.versions[0]}`, { resource, path: 'apiVersion' });
    } else this.#once(`kind ${apiVersion} ${kind}`, 'WEFT0008', `${kind.slice(0, 80)} (${apiVersion.slice(0, 80)}) is not known here, so it is not run.`, place, extra);
  }

  #shape(errors: readonly { readonly path: Path; readonly message: string }[], locate: Locate, resource: string): void {
    for (const { path, message } of errors) this.#say('IST0106', 'error', `${formatPath(path)} ${message}.`, locate(path), undefined, { resource, path: formatPath(path) });
  }

  #fields(findings: readonly FieldFinding[], kind: string, locate: Locate, resource: string): void {
    for (const finding of findings) {
      const path = formatPath(finding.path);
      const place = locate(finding.path);
      if (finding.kind === 'unknown') {
        const help = finding.suggestion === undefined ? undefined : `Did you mean ${finding.suggestion}?`;
        this.#say('WEFT0006', 'warning', `${kind} has no field ${path.slice(0, 200)}, so it has no effect.`, place, help, { resource, path });
      } else if (finding.kind === 'broken') this.#shape([finding], locate, resource);
      else this.#once(`field ${kind} ${path.replace(/\[\d+\]/g, '[]')}`, 'WEFT0007', `${path} is known but not run: ${finding.why}.`, place, { resource, path });
    }
  }

  #once(key: string, code: string, message: string, place: Position, extra: { resource: string; path: string }): void {
    if (this.#said.has(key)) return;
    this.#said.add(key);
    this.#say(code, 'info', message, place, undefined, extra);
  }

  #say(code: string, level: Diagnostic['level'], message: string, place: Position, help?: string, extra: { resource?: string; path?: string } = {}): void {
    this.diagnostics.push({ code, level, message, ...(help !== undefined && { help }), file: this.#file.path, ...place, ...extra });
  }
}

type Locate = (path: Path) => Position;
interface Written {
  readonly document: YamlDocument;
  readonly body: Record<string, unknown>;
  readonly base: Path;
  readonly apiVersion: string;
  readonly kind: string;
}
