import { isMap, isNode, isScalar, LineCounter, parseAllDocuments, type Document } from 'yaml';
import type { SourceFile } from '../../src/manifest/index.ts';

/** One Istio resource as it stands in a file, with the way back to its lines. */
export interface Rule {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly file: string;
  readonly line: number;
  readonly spec: Readonly<Record<string, unknown>>;
  /** The line of a field below `spec`; of the nearest parent when the field is not written. */
  lineOf(path: readonly (string | number)[]): number;
}

const istio = /^\s*apiVersion:\s*["']?[a-z]+\.istio\.io\//m;

/** Istio's resources of these files. What cannot be read is left out: the manifests view says why. */
export function parseRules(files: readonly SourceFile[]): readonly Rule[] {
  return files.filter(file => istio.test(file.text)).flatMap(file => {
    const lines = new LineCounter();
    const documents = parseAllDocuments(file.text, { lineCounter: lines, uniqueKeys: false, logLevel: 'silent' });
    return [...documents].flatMap(document => ruleOf(document, file.path, lines));
  });
}

function ruleOf(document: Document.Parsed | Document, file: string, lines: LineCounter): readonly Rule[] {
  if (document.errors.length > 0) return [];
  const body = document.toJS({ maxAliasCount: 100 }) as { readonly apiVersion?: unknown; readonly kind?: unknown; readonly metadata?: { readonly name?: unknown; readonly namespace?: unknown }; readonly spec?: unknown } | null;
  if (typeof body?.apiVersion !== 'string' || !body.apiVersion.includes('.istio.io/') || typeof body.spec !== 'object' || body.spec === null) return [];
  const lineAt = (path: readonly (string | number)[]): number => {
    for (let length = path.length; length > 0; length -= 1) {
      const start = startOf(document, path.slice(0, length));
      if (start !== undefined) return lines.linePos(start).line;
    }
    return lines.linePos(document.contents?.range?.[0] ?? 0).line;
  };
  return [{
    kind: String(body.kind), name: String(body.metadata?.name ?? ''), namespace: String(body.metadata?.namespace ?? 'default'),
    file, line: lineAt([]), spec: body.spec as Readonly<Record<string, unknown>>, lineOf: path => lineAt(['spec', ...path]),
  }];
}

/** Where a field begins: its key for fields of a map, the item for items of a list. */
function startOf(document: Document.Parsed | Document, path: readonly (string | number)[]): number | undefined {
  const parent: unknown = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (isMap(parent)) {
    const pair = parent.items.find(({ key }) => isScalar(key) && key.value === path.at(-1));
    return isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
  }
  const node = document.getIn(path, true);
  return isNode(node) ? node.range?.[0] : undefined;
}

/** The rules that speak of this service: VirtualServices and DestinationRules by host, ServiceEntries by host, gateways and policies by selector, EnvoyFilters of its namespace. */
export function rulesFor(rules: readonly Rule[], node: { readonly kind: string; readonly name: string; readonly namespace: string }): readonly Rule[] {
  return rules.filter(rule => {
    if (rule.kind === 'Gateway') return node.kind === 'gateway';
    if (rule.kind === 'VirtualService') return node.kind === 'gateway' ? names(rule.spec['gateways']).some(name => name !== 'mesh') : names(rule.spec['hosts']).some(host => means(host, rule, node)) || destinations(rule).some(host => means(host, rule, node));
    if (rule.kind === 'DestinationRule') return typeof rule.spec['host'] === 'string' && means(rule.spec['host'], rule, node);
    if (rule.kind === 'ServiceEntry') return names(rule.spec['hosts']).includes(node.name);
    if (rule.kind === 'EnvoyFilter') return rule.namespace === node.namespace;
    return policies.has(rule.kind) && covers(rule, node);
  });
}

const policies: ReadonlySet<string> = new Set(['AuthorizationPolicy', 'Telemetry']);
const rootNamespace = 'istio-system';

/** Policies apply by namespace and labels; a service is known by its name, which is the label `app` of its pods (of a gateway, `istio`). */
function covers({ namespace, spec }: Rule, node: { readonly kind: string; readonly name: string; readonly namespace: string }): boolean {
  if (namespace !== node.namespace && namespace !== rootNamespace) return false;
  if (spec['targetRef'] !== undefined || spec['targetRefs'] !== undefined) return false;
  const labels = object(object(spec['selector'])?.['matchLabels']) ?? {};
  return Object.entries(labels).every(([label, value]) => (node.kind === 'gateway' ? label === 'istio' || value === node.name : label !== 'app' || value === node.name));
}

/** True when a host, short or fully qualified, means this service. */
export function means(host: string, rule: Pick<Rule, 'namespace'>, node: { readonly name: string; readonly namespace: string }): boolean {
  if (host === node.name) return rule.namespace === node.namespace || !node.namespace || host.includes('.');
  const [name, namespace, kind] = host.split('.');
  return name === node.name && namespace === node.namespace && (kind === undefined || kind === 'svc');
}

/** The HTTP, TCP and TLS rules of a VirtualService with where they stand. */
export function routes(rule: Rule, kinds: readonly ('http' | 'tcp' | 'tls')[] = ['http']): readonly { readonly route: Readonly<Record<string, unknown>>; readonly path: readonly (string | number)[] }[] {
  return kinds.flatMap(kind => objects(rule.spec[kind]).map((route, index) => ({ route, path: [kind, index] })));
}

function destinations(rule: Rule): readonly string[] {
  return routes(rule, ['http', 'tcp', 'tls']).flatMap(({ route }) => objects(route['route']).flatMap(part => names([object(part['destination'])?.['host']])));
}

/** The strings of an array; nothing for anything else. */
export function names(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter(each => typeof each === 'string') : [];
}

/** The objects of an array; nothing for anything else. */
export function objects(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(each => typeof each === 'object' && each !== null) as Readonly<Record<string, unknown>>[] : [];
}

/** The value when it is an object. */
export function object(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Readonly<Record<string, unknown>> : undefined;
}
