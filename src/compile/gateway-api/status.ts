import { ofKind, type Resource } from '../../manifest/index.ts';
import type { MeshSnapshot } from '../types.ts';
import { judgeGateways, type JudgedGateways } from './convert.ts';
import { clientCertificate } from './client-certificates.ts';
import { gatewayHosts, managedGateways } from './deployment.ts';
import { supportedFeatures } from './supported-features.ts';
import type { JudgedPolicy } from './backend-tls.ts';
import { isProgrammed, type ApiListener } from './listeners.ts';
import type { JudgedParent, JudgedRoute } from './routes.ts';
import { groups, references, type Problem } from './references.ts';

/** A condition as Kubernetes writes it. Times are left out: nothing here knows what time it is. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
}

/** The status of one resource of the Gateway API, in the shape of its `status` field. */
export interface ResourceStatus {
  readonly resource: Resource;
  readonly status: Readonly<Record<string, unknown>>;
  /** Conditions that are not what they should be, with the part of the spec that they are about. */
  readonly failed: readonly { readonly path: readonly (string | number)[]; readonly condition: Condition }[];
}

/** The controller's name in route statuses. */
export const controllerName = 'istio.io/gateway-controller';

/** What the Gateway API's resources say of themselves: classes, gateways with their listeners, routes with their parents. Source: gateway-api.sigs.k8s.io, "Status". */
export function gatewayStatus(snapshot: Pick<MeshSnapshot, 'resources' | 'mesh' | 'virtualIps'>): readonly ResourceStatus[] {
  const { resources, mesh } = snapshot;
  const judged = judgeGateways(resources, mesh.domainSuffix);
  return [
    ...classStatuses(resources),
    ...[...judged.listeners].map(([gateway, listeners]) => gatewayStatusOf(gateway, listeners, judged, snapshot)),
    ...judged.routes.map(routeStatus),
    ...judged.policies.map((policy) => policyStatus(policy, judged)),
  ];
}

function condition(resource: Resource, type: string, problem: Problem | undefined, reason: string, message: string): Condition {
  const written = (resource.body['metadata'] as { readonly generation?: unknown } | undefined)?.generation;
  const observedGeneration = typeof written === 'number' ? written : 1;
  return problem === undefined ? { type, status: 'True', reason, message, observedGeneration } : { type, status: 'False', ...problem, observedGeneration };
}

function classStatuses(resources: readonly Resource[]): readonly ResourceStatus[] {
  const found = references(resources, '');
  return ofKind(resources, 'GatewayClass').flatMap((resource): readonly ResourceStatus[] => {
    const kind = found.gatewayClass(resource.metadata.name);
    if (kind === undefined) return [];
    const unsupported: Problem | undefined = kind === 'gateway' ? undefined : { reason: 'Unsupported', message: kind === 'waypoint' ? 'Waypoints belong to ambient mode, which the lab does not run.' : 'Gateways of another cluster are not run.' };
    const accepted = condition(resource, 'Accepted', unsupported, 'Accepted', 'Istio’s controller takes this class.');
    return [{ resource, status: { conditions: [accepted], ...(unsupported === undefined ? { supportedFeatures: supportedFeatures.map((name) => ({ name })) } : {}) }, failed: unsupported === undefined ? [] : [{ path: ['spec', 'controllerName'], condition: accepted }] }];
  });
}

function gatewayStatusOf(gateway: Resource, listeners: readonly ApiListener[], judged: JudgedGateways, snapshot: Pick<MeshSnapshot, 'resources' | 'mesh' | 'virtualIps'>): ResourceStatus {
  const written = listeners.map((listener) => listenerStatus(listener, judged.routes));
  const problem = gatewayProblem(gateway, listeners);
  const programmed = listeners.some(isProgrammed) ? problem : (problem ?? { reason: 'Invalid', message: 'No listener is usable.' });
  const client = clientCertificate(gateway, judged.found);
  const conditions = [
    condition(gateway, 'Accepted', problem, 'Accepted', 'The Gateway is taken.'), condition(gateway, 'Programmed', programmed, 'Programmed', 'The Gateway’s proxy has its config.'),
    ...(client.certificate === undefined && client.problem === undefined ? [] : [condition(gateway, 'ResolvedRefs', client.problem, 'ResolvedRefs', 'The certificate for backends is there.')]),
  ];
  return {
    resource: gateway,
    status: { addresses: addressesOf(gateway, snapshot), conditions, listeners: written.map(({ status }) => status) },
    failed: [...failures(conditions, ['spec']), ...written.flatMap(({ failed }) => failed)],
  };
}

function gatewayProblem(gateway: Resource, listeners: readonly ApiListener[]): Problem | undefined {
  const [first] = listeners;
  const parameters = first?.gateway.spec.infrastructure?.parametersRef;
  if (parameters !== undefined) return { reason: 'InvalidParameters', message: `${parameters.kind} ${parameters.name} is not a kind of parameters that is known.` };
  const odd = first?.gateway.spec.addresses.find(({ type }) => type !== 'IPAddress' && type !== 'Hostname');
  if (odd !== undefined) return { reason: 'UnsupportedAddress', message: `Addresses of type ${odd.type} are not supported.` };
  if (listeners.every(({ refused, conflicted }) => refused !== undefined || conflicted !== undefined)) return { reason: 'ListenersNotValid', message: 'No listener is valid.' };
  return undefined;
}

/** The virtual IPs of the services before the gateway, and their names where there is none. */
function addressesOf(gateway: Resource, { resources, mesh, virtualIps }: Pick<MeshSnapshot, 'resources' | 'mesh' | 'virtualIps'>): readonly { readonly type: string; readonly value: string }[] {
  const own = managedGateways(resources).find((one) => one.gateway === gateway);
  if (own !== undefined) {
    const ip = virtualIps.get(`${own.namespace}/${own.name}`);
    return [ip === undefined ? { type: 'Hostname', value: `${own.name}.${own.namespace}.svc.${mesh.domainSuffix}` } : { type: 'IPAddress', value: ip }];
  }
  const [typed] = ofKind([gateway], 'KubernetesGateway');
  return typed === undefined ? [] : gatewayHosts(typed, mesh.domainSuffix).map((value) => ({ type: 'Hostname', value }));
}

function listenerStatus(listener: ApiListener, routes: readonly JudgedRoute[]): { readonly status: Readonly<Record<string, unknown>>; readonly failed: ResourceStatus['failed'] } {
  const { gateway, at, refused, conflicted, unresolved, kinds } = listener;
  const conflict = condition(gateway, 'Conflicted', undefined, conflicted?.reason ?? 'NoConflicts', conflicted?.message ?? 'No other listener contradicts this one.');
  const good = [
    condition(gateway, 'Accepted', refused ?? conflicted, 'Accepted', 'The listener is taken.'),
    condition(gateway, 'Programmed', isProgrammed(listener) && unresolved === undefined ? undefined : { reason: 'Invalid', message: (refused ?? conflicted ?? unresolved)?.message ?? '' }, 'Programmed', 'The proxy serves the listener.'),
    condition(gateway, 'ResolvedRefs', unresolved, 'ResolvedRefs', 'All references resolve.'),
  ];
  // Those that are accepted, whatever becomes of the listener. Source: gateway-api.sigs.k8s.io, ListenerStatus.attachedRoutes.
  const attachedRoutes = routes.filter(({ parents, unsupported }) => unsupported.length === 0 && parents.some(({ attachments }) => attachments.some((one) => one.listener === listener))).length;
  return {
    status: { name: listener.listener.name, supportedKinds: kinds, attachedRoutes, conditions: [...good, { ...conflict, status: conflicted === undefined ? 'False' : 'True' }] },
    failed: failures(good, ['spec', 'listeners', at]),
  };
}

function routeStatus(route: JudgedRoute): ResourceStatus {
  const parents = route.parents.map((parent) => ({ parent, conditions: parentConditions(route, parent) }));
  return {
    resource: route.resource,
    status: { parents: parents.map(({ parent, conditions }) => ({ parentRef: writtenReference(route.resource, parent), controllerName, conditions })) },
    failed: parents.flatMap(({ parent, conditions }) => conditions.flatMap((one) => (one.status === 'True' ? [] : [{ path: one.type === 'Accepted' && parent.refused !== undefined ? ['spec', 'parentRefs', parent.at] : ['spec', 'rules'], condition: one }]))),
  };
}

/** A policy has a status for each Gateway whose routes send to a service of it. */
function policyStatus({ resource, named, refused, unresolved }: JudgedPolicy, { listeners, routes }: JudgedGateways): ResourceStatus {
  const services = new Set(named);
  const using = routes.filter((route) => route.services.some((service) => services.has(service)));
  const gateways = [...listeners.keys()].filter((gateway) => using.some(({ parents }) => parents.some(({ attachments }) => attachments.some(({ listener }) => listener.gateway === gateway))));
  const conditions = [condition(resource, 'Accepted', refused, 'Accepted', 'Gateways follow the policy.'), condition(resource, 'ResolvedRefs', unresolved, 'ResolvedRefs', 'All authorities are there.')];
  return {
    resource,
    status: { ancestors: gateways.slice(0, mostAncestors).map(({ metadata: { namespace, name } }) => ({ ancestorRef: { group: groups.gateway, kind: 'Gateway', namespace, name }, controllerName, conditions })) },
    failed: failures(conditions, ['spec', unresolved === undefined ? 'targetRefs' : 'validation']),
  };
}

/** Source: gateway-api.sigs.k8s.io, PolicyStatus. */
const mostAncestors = 16;

function parentConditions({ resource, unresolved, unsupported }: JudgedRoute, parent: JudgedParent): readonly Condition[] {
  return [
    condition(resource, 'Accepted', parent.refused ?? unsupported[0], 'Accepted', 'The route is attached.'),
    condition(resource, 'ResolvedRefs', unresolved[0], 'ResolvedRefs', 'All backends resolve.'),
  ];
}

/** The reference as it was written: a status repeats it. */
function writtenReference({ body }: Resource, { at, reference }: JudgedParent): unknown {
  const written = (body['spec'] as { readonly parentRefs?: readonly unknown[] } | undefined)?.parentRefs?.[at];
  return { group: reference.group, kind: reference.kind, ...(typeof written === 'object' ? written : {}) };
}

function failures(conditions: readonly Condition[], path: readonly (string | number)[]): ResourceStatus['failed'] {
  return conditions.filter(({ status }) => status === 'False').map((one) => ({ path, condition: one }));
}
