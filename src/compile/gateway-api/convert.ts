import { ofKind, type Resource, type TypedResource } from '../../manifest/index.ts';
import { byAge, originAt, type MeshVirtualService } from '../model.ts';
import { judgePolicies, serviceTls, type JudgedPolicy, type ServiceTls } from './backend-tls.ts';
import { clientCertificate, type ClientCertificate } from './client-certificates.ts';
import { judgeRoutes, type JudgedRoute } from './routes.ts';
import { isolated } from './attachment.ts';
import { connectionRules } from './connections.ts';
import { gatewayServices } from './deployment.ts';
import { isProgrammed, judgeListeners, type ApiListener } from './listeners.ts';
import { meshRoutes } from './mesh.ts';
import { byPrecedence } from './precedence.ts';
import { references, type References } from './references.ts';
import { listenerGateway, routeResource } from './servers.ts';

/** The Gateway API in Istio's own terms: what its resources compile as. */
export interface ConvertedGateways {
  readonly services: readonly TypedResource<'Service'>[];
  readonly gateways: readonly TypedResource<'Gateway'>[];
  readonly virtualServices: readonly MeshVirtualService[];
  /** What gateways do before they send to a service, by its host. */
  readonly backendTls: ReadonlyMap<string, ServiceTls>;
  readonly clientCertificates: readonly ClientCertificate[];
}

/** The Gateway API's resources, judged: listeners and routes with all that is wrong with them. */
export interface JudgedGateways {
  readonly found: References;
  readonly listeners: ReadonlyMap<Resource, readonly ApiListener[]>;
  readonly routes: readonly JudgedRoute[];
  readonly policies: readonly JudgedPolicy[];
}

const none: ConvertedGateways = { services: [], gateways: [], virtualServices: [], backendTls: new Map(), clientCertificates: [] };

/** Judges listeners and routes of all gateways of Istio's class, oldest first. */
export function judgeGateways(resources: readonly Resource[], domainSuffix: string): JudgedGateways {
  const found = references(resources, domainSuffix);
  const gateways = byAge(ofKind(resources, 'KubernetesGateway')).filter(({ spec }) => found.gatewayClass(spec.gatewayClassName) === 'gateway');
  const listeners = new Map<Resource, readonly ApiListener[]>(gateways.map((gateway) => [gateway, judgeListeners(gateway, found)]));
  return { found, listeners, routes: judgeRoutes(resources, [...listeners.values()], found), policies: judgePolicies(resources, found) };
}

/**
 * Converts the Gateway API's resources as Istio does: a listener becomes a Gateway, the routes of a listener and host one VirtualService
 * with the rules of all of them by precedence. Routes for services become VirtualServices of the mesh.
 */
export function convertGateways(resources: readonly Resource[], domainSuffix: string): ConvertedGateways {
  if (!resources.some(({ apiVersion }) => apiVersion.startsWith('gateway.networking.k8s.io/'))) return none;
  const { found, listeners, routes, policies } = judgeGateways(resources, domainSuffix);
  const programmed = [...listeners.values()].flat().filter((listener) => isProgrammed(listener) && listener.gateway.spec.infrastructure?.parametersRef === undefined);
  const served = programmed.map((listener) => {
    const siblings = listeners.get(listener.gateway) ?? [];
    const attached = routes.flatMap((route) => route.parents.flatMap(({ attachments }) => attachments.filter((one) => one.listener === listener).map((one) => ({ route, attachment: one, hosts: isolated(one, siblings) }))));
    const http = httpRoutes(listener, attached);
    return { gateways: [listenerGateway(listener, [listener.listener.hostname === '' ? '*' : listener.listener.hostname.toLowerCase()], found.domainSuffix)], virtualServices: [...http, ...connectionRules(listener, attached)] };
  });
  return {
    services: gatewayServices(resources),
    gateways: served.flatMap(({ gateways }) => gateways),
    virtualServices: [...served.flatMap(({ virtualServices }) => virtualServices), ...meshRoutes(routes)],
    backendTls: serviceTls(policies),
    clientCertificates: [...listeners.keys()].flatMap((gateway) => clientCertificate(gateway, found).certificate ?? []),
  };
}

/** A route on one listener and the hosts that it serves there. */
export interface AttachedRoute {
  readonly route: JudgedRoute;
  readonly hosts: readonly string[];
}

/** One VirtualService for each host of a listener, with the rules of all its routes. */
function httpRoutes(listener: ApiListener, attached: readonly AttachedRoute[]): readonly MeshVirtualService[] {
  const hosts = new Set(attached.filter(({ route }) => route.rules !== undefined).flatMap((one) => one.hosts));
  const own = listener.listener.hostname.toLowerCase();
  const closed = own === '' || hosts.has(own) ? [] : [unservedHost(listener, own)];
  return [...closed, ...[...hosts].flatMap((host) => {
    const routes = attached.filter((one) => one.hosts.includes(host));
    const [first] = routes;
    if (first === undefined) return [];
    const ranked = routes.flatMap(({ route }) => route.rules?.(listener.listener.port) ?? []).sort(byPrecedence);
    const { metadata } = listener.gateway;
    const resource = routeResource(first.route.resource, `${first.route.resource.metadata.name}-istio-autogenerated-k8s-gateway`);
    return [{ resource, namespace: metadata.namespace, hosts: [host], gateways: [`${metadata.namespace}/${listener.internal}`], exportTo: [], http: ranked.map(({ rule }) => rule), tls: [], tcp: [] }];
  })];
}

/** A listener's own host without a route: it answers 404 itself, so that no less specific listener of the port does. */
function unservedHost({ gateway, listener, internal, at }: ApiListener, host: string): MeshVirtualService {
  const { namespace } = gateway.metadata;
  const rule: MeshVirtualService['http'][number]['rule'] = { name: `${namespace}.${gateway.metadata.name}.${listener.name}`, match: [], route: [], mirrors: [], directResponse: { status: 404 } };
  return {
    resource: routeResource(gateway, internal), namespace, hosts: [host], gateways: [`${namespace}/${internal}`], exportTo: [], tls: [], tcp: [],
    http: [{ rule, origin: originAt(gateway, ['spec', 'listeners', at]) }],
  };
}
