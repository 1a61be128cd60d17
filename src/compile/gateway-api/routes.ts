import { isKind, ofKind, type BackendReference, type ParentReference, type Resource, type TypedResource } from '../../manifest/index.ts';
import { attach, type Attachment } from './attachment.ts';
import { resolveBackend, type Backend } from './backends.ts';
import type { ApiListener } from './listeners.ts';
import { oldestFirst } from './precedence.ts';
import { groups, type Problem, type References } from './references.ts';
import { isServiceParent, translateRules, type RankedRule, type RulePlace, type SourceRule } from './rules.ts';
import { grpcRules, httpRules } from './sources.ts';

/** The service that a route in the mesh is for. */
export interface MeshParent {
  /** One for a Service; a ServiceEntry may have several. */
  readonly hosts: readonly string[];
  readonly namespace: string;
  /** 0 for all ports. */
  readonly port: number;
}

/** One parent reference of a route, and what came of it. */
export interface JudgedParent {
  readonly reference: ParentReference;
  readonly at: number;
  readonly attachments: readonly Attachment[];
  readonly service?: MeshParent;
  readonly refused?: Problem;
}

/** A weighted backend of a route for connections. */
export interface ConnectionBackend {
  readonly backend: Backend;
  readonly weight: number;
}

/** A route, judged: where it attaches, its rules for a place, and what does not resolve. Parents of other controllers are left out. */
export interface JudgedRoute {
  readonly resource: TypedResource<'HTTPRoute' | 'GRPCRoute' | 'TLSRoute' | 'TCPRoute'>;
  readonly parents: readonly JudgedParent[];
  /** Rules on a listener's port; `undefined` for routes of connections. */
  readonly rules?: (port: number) => readonly RankedRule[];
  readonly meshRules?: (port: number) => readonly RankedRule[];
  /** Backends by rule, of routes for connections. */
  readonly connections?: { readonly hostnames: readonly string[]; readonly backends: readonly (readonly ConnectionBackend[])[] };
  readonly unresolved: readonly Problem[];
  readonly unsupported: readonly Problem[];
  /** Services that it sends or mirrors to, as `namespace/name`, whether they are there or not. */
  readonly services: readonly string[];
}

/** Judges all routes, oldest first. */
export function judgeRoutes(resources: readonly Resource[], gateways: readonly (readonly ApiListener[])[], found: References): readonly JudgedRoute[] {
  const routes = oldestFirst<JudgedRoute['resource']>([...ofKind(resources, 'HTTPRoute'), ...ofKind(resources, 'GRPCRoute'), ...ofKind(resources, 'TLSRoute'), ...ofKind(resources, 'TCPRoute')]);
  const byName = new Map(gateways.flatMap((listeners) => {
    const [first] = listeners;
    return first === undefined ? [] : [[`${first.gateway.metadata.namespace}/${first.gateway.metadata.name}`, listeners] as const];
  }));
  return routes.map((resource) => judgeRoute(resource, byName, found));
}

function judgeRoute(resource: JudgedRoute['resource'], gateways: ReadonlyMap<string, readonly ApiListener[]>, found: References): JudgedRoute {
  const hostnames = 'hostnames' in resource.spec ? resource.spec.hostnames : undefined;
  const parents = resource.spec.parentRefs.flatMap((reference, at) => judgeParent(resource, reference, at, hostnames, gateways, found));
  if (isKind(resource, 'HTTPRoute') || isKind(resource, 'GRPCRoute')) {
    const rules = isKind(resource, 'HTTPRoute') ? httpRules(resource.spec) : grpcRules(resource.spec);
    return { resource, parents, services: servicesOf(resource, resource.spec.rules), ...judgedRules(resource, rules, parents.length > 0 && parents.every(({ service }) => service !== undefined), found) };
  }
  const grants = parents.some(({ service }) => service === undefined);
  const spec = resource.spec as TypedResource<'TLSRoute'>['spec'];
  const backends = spec.rules.map(({ backendRefs }) => backendRefs.map((reference) => ({ backend: resolveBackend(resource, reference, found, grants), weight: reference.weight })));
  const unresolved = backends.flat().flatMap(({ backend }) => (backend.kind === 'missing' ? [backend.problem] : []));
  return { resource, parents, services: servicesOf(resource, spec.rules), connections: { hostnames: hostnames ?? [], backends }, unresolved, unsupported: [] };
}

interface SendingRule {
  readonly backendRefs: readonly (BackendReference & Partial<Filtered>)[];
  readonly filters?: Filtered['filters'];
}

interface Filtered {
  readonly filters: readonly { readonly requestMirror?: { readonly backendRef: BackendReference } }[];
}

function servicesOf({ metadata }: Resource, rules: readonly SendingRule[]): readonly string[] {
  const used = rules.flatMap(({ backendRefs, filters = [] }) => [...backendRefs, ...[...filters, ...backendRefs.flatMap((backend) => backend.filters ?? [])].flatMap(({ requestMirror }) => requestMirror?.backendRef ?? [])]);
  return [...new Set(used.filter(({ group, kind }) => group === groups.core && kind === 'Service').map(({ namespace, name }) => `${namespace === '' ? metadata.namespace : namespace}/${name}`))];
}

function judgedRules(resource: Resource, rules: readonly SourceRule[], meshOnly: boolean, found: References): Pick<JudgedRoute, 'rules' | 'meshRules' | 'unresolved' | 'unsupported'> {
  const translate = (place: RulePlace): ReturnType<typeof translateRules> => translateRules(resource, rules, place, found);
  const { unresolved, unsupported } = translate({ kind: meshOnly ? 'mesh' : 'gateway', port: 0 });
  return { rules: (port) => translate({ kind: 'gateway', port }).rules, meshRules: (port) => translate({ kind: 'mesh', port }).rules, unresolved, unsupported };
}

function judgeParent(route: Resource, reference: ParentReference, at: number, hostnames: readonly string[] | undefined, gateways: ReadonlyMap<string, readonly ApiListener[]>, found: References): readonly JudgedParent[] {
  const namespace = reference.namespace === '' ? route.metadata.namespace : reference.namespace;
  if (isServiceParent(reference)) return [meshParent(reference, at, namespace, found)];
  if (reference.group !== groups.gateway || reference.kind !== 'Gateway') return [];
  const listeners = gateways.get(`${namespace}/${reference.name}`);
  return listeners === undefined ? [] : [{ reference, at, ...attach(route, reference, hostnames, listeners, found) }];
}

function meshParent(reference: ParentReference, at: number, namespace: string, found: References): JudgedParent {
  const refused = (message: string): JudgedParent => ({ reference, at, attachments: [], refused: { reason: 'NoMatchingParent', message } });
  const parent = reference.kind === 'ServiceEntry' ? found.serviceEntry(namespace, reference.name) : found.service(namespace, reference.name);
  if (parent === undefined) return refused(`There is no ${reference.kind} ${namespace}/${reference.name}.`);
  const ports = isKind(parent, 'ServiceEntry') ? parent.spec.ports.map(({ name, number }) => ({ name, port: number })) : parent.spec.ports;
  const named = reference.sectionName === '' ? undefined : ports.find(({ name }) => name === reference.sectionName);
  const port = reference.port ?? named?.port ?? 0;
  if ((reference.sectionName !== '' && named === undefined) || (port !== 0 && !ports.some((candidate) => candidate.port === port))) return refused(`${reference.kind} ${namespace}/${reference.name} has no such port.`);
  const hosts = isKind(parent, 'ServiceEntry') ? parent.spec.hosts.map((host) => host.toLowerCase()) : [`${reference.name}.${namespace}.svc.${found.domainSuffix}`];
  return { reference, at, attachments: [], service: { hosts, namespace, port } };
}
