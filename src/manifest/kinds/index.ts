import type { z } from 'zod';
import { AuthorizationPolicy } from '../../features/authorization/manifest.ts';
import { Gateway } from '../../features/gateway/manifest.ts';
import { PeerAuthentication } from '../../features/mtls/manifest.ts';
import { ServiceEntry, WorkloadEntry } from '../../features/service-entry/manifest.ts';
import { ConfigMap, EndpointSlice, Endpoints, Namespace, Secret, Service, ServiceAccount } from './core-kinds.ts';
import type { KindDefinition } from './definition.ts';
import { DestinationRule } from './destination-rule.ts';
import { BackendTLSPolicy, GatewayClass, KubernetesGateway, ReferenceGrant, TCPRoute, TLSRoute, gatewayGroup } from './gateway-api.ts';
import { GRPCRoute, KubernetesHTTPRoute } from './gateway-api-http.ts';
import { Ingress, IngressClass } from './ingress.ts';
import { EnvoyFilter } from '../../features/envoy-filter/manifest.ts';
import { later, passedThrough } from './passed-through.ts';
import { IstioOperator } from './mesh-config.ts';
import { RequestAuthentication } from '../../features/jwt/manifest.ts';
import { ProxyConfig } from './security.ts';
import { Sidecar } from './sidecar.ts';
import { Telemetry } from '../../features/telemetry/manifest.ts';
import { VirtualService } from './virtual-service.ts';
import { TrafficExtension, WasmPlugin } from './wasm-plugin.ts';
import { WorkloadGroup } from './workload-group.ts';
import { DaemonSet, Deployment, Pod, ReplicaSet, StatefulSet } from './workloads.ts';

const istio = ['v1', 'v1beta1', 'v1alpha3'];
const core = { group: '', versions: ['v1'], namespaced: true, aliases: [], typed: 'spec' } as const;
const apps = { ...core, group: 'apps', versions: ['v1', 'v1beta2', 'v1beta1'] } as const;
const gatewayApi = { ...core, group: gatewayGroup, versions: ['v1', 'v1beta1', 'v1alpha3', 'v1alpha2'] } as const;
const networking = { ...core, group: 'networking.istio.io', versions: istio } as const;

const noCode = 'the lab’s sidecars run no Wasm and no Lua';

/** Every kind that is typed, by name. */
const typed = {
  Namespace: { ...core, namespaced: false, aliases: ['ns'], schema: Namespace },
  Pod: { ...core, aliases: ['po'], schema: Pod },
  Service: { ...core, aliases: ['svc'], schema: Service },
  ServiceAccount: { ...core, aliases: ['sa'], typed: 'body', schema: ServiceAccount },
  ConfigMap: { ...core, aliases: ['cm'], typed: 'body', schema: ConfigMap },
  Secret: { ...core, typed: 'body', schema: Secret },
  Endpoints: { ...core, aliases: ['ep'], plural: 'endpoints', typed: 'body', schema: Endpoints },
  EndpointSlice: { ...core, group: 'discovery.k8s.io', versions: ['v1', 'v1beta1'], typed: 'body', schema: EndpointSlice },
  Deployment: { ...apps, aliases: ['deploy'], schema: Deployment },
  ReplicaSet: { ...apps, aliases: ['rs'], schema: ReplicaSet },
  StatefulSet: { ...apps, aliases: ['sts'], schema: StatefulSet },
  DaemonSet: { ...apps, aliases: ['ds'], schema: DaemonSet },
  VirtualService: { ...networking, aliases: ['vs'], schema: VirtualService },
  DestinationRule: { ...networking, aliases: ['dr'], schema: DestinationRule },
  Gateway: { ...networking, aliases: ['gw'], schema: Gateway },
  ServiceEntry: { ...networking, aliases: ['se'], plural: 'serviceentries', schema: ServiceEntry, specRequired: true },
  WorkloadEntry: { ...networking, aliases: ['we'], plural: 'workloadentries', schema: WorkloadEntry, specRequired: true },
  WorkloadGroup: { ...networking, aliases: ['wg'], schema: WorkloadGroup, specRequired: true, notRun: 'workloads outside of the lab cannot join it by themselves; write WorkloadEntries' },
  EnvoyFilter: { ...networking, schema: EnvoyFilter },
  Sidecar: { ...networking, schema: Sidecar },
  ProxyConfig: { ...networking, schema: ProxyConfig },
  IstioOperator: { ...networking, group: 'install.istio.io', versions: ['v1alpha1'], aliases: ['iop'], schema: IstioOperator },
  PeerAuthentication: { ...networking, group: 'security.istio.io', aliases: ['pa'], schema: PeerAuthentication },
  AuthorizationPolicy: { ...networking, group: 'security.istio.io', aliases: ['ap'], plural: 'authorizationpolicies', schema: AuthorizationPolicy },
  RequestAuthentication: { ...networking, group: 'security.istio.io', aliases: ['ra'], schema: RequestAuthentication },
  KubernetesGateway: { ...gatewayApi, kind: 'Gateway', aliases: ['gtw'], schema: KubernetesGateway },
  GatewayClass: { ...gatewayApi, namespaced: false, aliases: ['gc'], plural: 'gatewayclasses', schema: GatewayClass },
  HTTPRoute: { ...gatewayApi, schema: KubernetesHTTPRoute },
  GRPCRoute: { ...gatewayApi, schema: GRPCRoute },
  TLSRoute: { ...gatewayApi, schema: TLSRoute },
  TCPRoute: { ...gatewayApi, schema: TCPRoute },
  ReferenceGrant: { ...gatewayApi, aliases: ['refgrant'], schema: ReferenceGrant },
  BackendTLSPolicy: { ...gatewayApi, aliases: ['btlspolicy'], plural: 'backendtlspolicies', schema: BackendTLSPolicy },
  Ingress: { ...core, group: 'networking.k8s.io', versions: ['v1', 'v1beta1'], aliases: ['ing'], plural: 'ingresses', schema: Ingress },
  IngressClass: { ...core, group: 'networking.k8s.io', versions: ['v1', 'v1beta1'], namespaced: false, plural: 'ingressclasses', schema: IngressClass },
  Telemetry: { ...networking, group: 'telemetry.istio.io', versions: ['v1', 'v1alpha1'], plural: 'telemetries', aliases: ['telemetry'], schema: Telemetry },
  WasmPlugin: { ...networking, group: 'extensions.istio.io', versions: ['v1alpha1'], schema: WasmPlugin, specRequired: true, notRun: noCode },
  TrafficExtension: { ...networking, group: 'extensions.istio.io', versions: ['v1alpha1'], schema: TrafficExtension, specRequired: true, notRun: noCode },
} as const satisfies Readonly<Record<string, Omit<KindDefinition, 'kind'> & { readonly kind?: string; readonly schema: z.ZodType }>>;

/** The typed kinds and their specs. */
export type KindSpecs = { readonly [Kind in keyof typeof typed]: z.output<(typeof typed)[Kind]['schema']> };
/** The name of a typed kind. */
export type TypedKind = keyof KindSpecs;

/** What resources of a typed kind have as `kind`: its name, but for a kind that shares it with one of another group. */
export type KindName<Kind extends TypedKind> = (typeof typed)[Kind] extends { readonly kind: infer Name extends string } ? Name : Kind;

/** The definition of each typed kind. */
export const typedKinds: { readonly [Kind in TypedKind]: KindDefinition & { readonly kind: KindName<Kind> } } = Object.fromEntries(
  Object.entries(typed).map(([kind, definition]) => [kind, { kind, ...definition }]),
) as never;

/** Every kind that is known: typed ones first, then those that are passed through. */
export const kinds: readonly KindDefinition[] = [...Object.values(typedKinds), ...passedThrough];

const byApi: ReadonlyMap<string, KindDefinition> = new Map(kinds.map((definition) => [`${definition.group}/${definition.kind}`, definition]));

/** The API group of an apiVersion: empty for `v1`. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.lastIndexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}

/** What is known of a kind in a group; `undefined` for kinds nobody told us about. */
export function kindDefinition(apiVersion: string, kind: string): KindDefinition | undefined {
  return byApi.get(`${groupOf(apiVersion)}/${kind}`);
}

/** The kind that any of kubectl's spellings means: `vs`, `virtualservices`, `VirtualService`, `virtualservices.networking.istio.io`. */
export function kindFromAlias(alias: string): string | undefined {
  const [name = '', ...rest] = alias.toLowerCase().split('.');
  const group = rest.join('.');
  const found = kinds.find((definition) => (group === '' || definition.group === group || rest.slice(1).join('.') === definition.group) && spellings(definition).includes(name));
  return found?.kind;
}

function spellings({ kind, aliases, plural }: KindDefinition): readonly string[] {
  const singular = kind.toLowerCase();
  return [singular, plural ?? `${singular}s`, ...aliases];
}
