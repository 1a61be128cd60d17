import { z } from 'zod';
import { Int32, LabelsSelector, Text, TextMap, UInt32, protoEnum } from '../../util/manifest-fields.ts';
import { atMostOne, forMap, has, isPort, ruled, type Rule } from '../../util/manifest-rules.ts';
import { TargetReferences } from '../../util/policy-target.ts';
import { unreadFields } from './manifest-unread.ts';

const SubFilter = z.object({ name: Text }).exactOptional();
const Filter = z.object({ name: Text, subFilter: SubFilter }).exactOptional();
const port = UInt32.default(0);

const ListenerMatch = z.object({
  portNumber: port,
  portName: Text,
  filterChain: z.object({ name: Text, sni: Text, transportProtocol: Text, applicationProtocols: Text, transportSocket: Text, filter: Filter, destinationPort: port }).exactOptional(),
  listenerFilter: Text,
  name: Text,
});
const RouteMatch = z.object({
  portNumber: port,
  portName: Text,
  gateway: Text,
  vhost: z.object({ name: Text, domainName: Text, route: z.object({ name: Text, action: protoEnum(['ANY', 'ROUTE', 'REDIRECT', 'DIRECT_RESPONSE']) }).exactOptional() }).exactOptional(),
  name: Text,
});
const ClusterMatch = z.object({ portNumber: port, service: Text, subset: Text, name: Text });
const WaypointMatch = z.object({ portNumber: ruled(UInt32, isPort).exactOptional(), filter: Filter, route: z.object({ name: Text }).exactOptional() });

const contextFits: Rule = forMap((match) => ((match['context'] === 'WAYPOINT') === has(match, 'waypoint') ? undefined : 'must have waypoint with context WAYPOINT, and only with it'));

/** Which objects a patch is for. Source: istio.io, EnvoyConfigObjectMatch. */
const ObjectMatch = ruled(
  z.object({
    context: protoEnum(['ANY', 'SIDECAR_INBOUND', 'SIDECAR_OUTBOUND', 'GATEWAY', 'WAYPOINT']),
    proxy: z.object({ proxyVersion: Text, metadata: TextMap }).exactOptional(),
    listener: ListenerMatch.exactOptional(),
    routeConfiguration: RouteMatch.exactOptional(),
    cluster: ClusterMatch.exactOptional(),
    waypoint: WaypointMatch.exactOptional(),
  }),
  atMostOne('listener', 'routeConfiguration', 'cluster', 'waypoint'),
  contextFits,
);

/** What is done to them. Source: istio.io, Patch. */
const Patch = z.object({
  operation: protoEnum(['INVALID', 'MERGE', 'ADD', 'REMOVE', 'INSERT_BEFORE', 'INSERT_AFTER', 'INSERT_FIRST', 'REPLACE', 'MERGE_AND_REPLACE_LIST']),
  value: z.record(z.string(), z.unknown()).exactOptional(),
  filterClass: protoEnum(['UNSPECIFIED', 'AUTHN', 'AUTHZ', 'STATS']),
});

/** Changes to the compiled Envoy configuration. Source: istio.io, EnvoyFilter. */
export const EnvoyFilter = ruled(
  z.object({
    workloadSelector: LabelsSelector.exactOptional(),
    targetRefs: TargetReferences,
    configPatches: z
      .array(
        z.object({
          applyTo: protoEnum(['INVALID', 'LISTENER', 'FILTER_CHAIN', 'NETWORK_FILTER', 'HTTP_FILTER', 'ROUTE_CONFIGURATION', 'VIRTUAL_HOST', 'HTTP_ROUTE', 'CLUSTER', 'EXTENSION_CONFIG', 'BOOTSTRAP', 'LISTENER_FILTER']),
          match: ObjectMatch.exactOptional(),
          patch: Patch.exactOptional(),
        }),
      )
      .default([]),
    priority: Int32.default(0),
  }),
  atMostOne('workloadSelector', 'targetRefs'),
);
export type EnvoyFilter = z.output<typeof EnvoyFilter>;
/** One patch of an EnvoyFilter. */
export type ConfigPatch = EnvoyFilter['configPatches'][number];

/** The types of filters that the lab's sidecars run; patches may add these. */
const runnable = new Set([
  'envoy.extensions.filters.http.router.v3.Router',
  'envoy.extensions.filters.http.fault.v3.HTTPFault',
  'envoy.extensions.filters.http.cors.v3.Cors',
  'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit',
  'envoy.extensions.filters.http.ratelimit.v3.RateLimit',
  'envoy.extensions.filters.http.rbac.v3.RBAC',
  'envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication',
  'envoy.extensions.filters.http.ext_authz.v3.ExtAuthz',
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
  'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
  'envoy.extensions.filters.network.rbac.v3.RBAC',
  'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector',
  'envoy.extensions.filters.listener.http_inspector.v3.HttpInspector',
  'envoy.extensions.filters.listener.original_dst.v3.OriginalDst',
  'envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol',
]);

const prefix = 'type.googleapis.com/';
const filterKinds: readonly ConfigPatch['applyTo'][] = ['HTTP_FILTER', 'NETWORK_FILTER', 'LISTENER_FILTER'];

/** The type of message that a filter's typed config holds, looked up in a TypedStruct too; empty when it says none. */
export function configType(typedConfig: unknown): string {
  const { '@type': type, type_url: url, typeUrl } = (typedConfig ?? {}) as Readonly<Record<string, unknown>>;
  const name = (value: unknown): string => (typeof value === 'string' ? value.replace(prefix, '') : '');
  return /(^|\.)TypedStruct$/.test(name(type)) ? name(url ?? typeUrl) : name(type);
}

/** Why a patch cannot be run, as the rest of a sentence; `undefined` when it can. The other patches are not concerned. */
export function refusal({ applyTo, match, patch }: ConfigPatch): string | undefined {
  if (applyTo === 'EXTENSION_CONFIG') return 'extension configurations (ECDS) are not served; write the filter itself as HTTP_FILTER';
  if (applyTo === 'BOOTSTRAP') return 'the lab’s sidecars have no Envoy bootstrap';
  if (match?.context === 'WAYPOINT') return 'the lab has no waypoints';
  const value = patch?.value;
  if (value === undefined || !filterKinds.includes(applyTo)) return undefined;
  const type = configType(value['typed_config'] ?? value['typedConfig']);
  if (type === '' || runnable.has(type)) return undefined;
  return `the filter ${type.replace(/^envoy\.extensions\.filters\./, '')} is not run by the lab’s sidecars`;
}

const alone = 'a proxy counts for itself, whatever the connection';
const asHttp = 'callers of gRPC hear of it as of any 429';
/** Fields of those filters that the lab's sidecars do not act on, and what they do instead. Source: Envoy, the filters' API. */
const notRead: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit': {
    local_rate_limit_per_downstream_connection: alone, local_cluster_rate_limit: alone, vh_rate_limits: 'limits of the route come before those of its virtual host', max_dynamic_descriptors: 'descriptors are those that are written', rate_limited_as_resource_exhausted: asHttp,
  },
  'envoy.extensions.filters.http.ratelimit.v3.RateLimit': {
    request_type: 'requests from inside and outside are counted alike', rate_limited_as_resource_exhausted: asHttp, stat_prefix: 'counts are those of the mesh’s own service', filter_enabled: 'every request is asked about', filter_enforced: 'what the service says is done', failure_mode_deny_percent: 'write failure_mode_deny',
  },
};

/** The fields of a patch's value that have no effect: where each is written, and why. */
export function ignoredFields({ applyTo, patch }: ConfigPatch): readonly { readonly path: readonly string[]; readonly why: string }[] {
  const value = patch?.value ?? {};
  const socket = ['transport_socket', 'transportSocket'].find((name) => name in value);
  return [
    ...among(value, ['patch', 'value'], unreadFields[applyTo]),
    ...(applyTo === 'HTTP_ROUTE' ? among(value['route'], ['patch', 'value', 'route'], unreadFields['route']) : []),
    ...inTypedConfig(value, ['patch', 'value'], (type) => notRead[type] ?? unreadFields[type]),
    ...(socket === undefined ? [] : inTypedConfig(fieldsOf(value[socket]), ['patch', 'value', socket], (type) => (/\.(Down|Up)streamTlsContext$/.test(type) ? unreadFields['tls'] : undefined))),
  ];
}

type Reasons = Readonly<Record<string, string>> | undefined;

function inTypedConfig(holder: Readonly<Record<string, unknown>>, path: readonly string[], reasonsFor: (type: string) => Reasons): ReturnType<typeof ignoredFields> {
  const key = holder['typed_config'] === undefined ? 'typedConfig' : 'typed_config';
  const config = fieldsOf(holder[key]);
  const packed = /(^|\.)TypedStruct$/.test(typeof config['@type'] === 'string' ? config['@type'] : '');
  return among(packed ? config['value'] : config, [...path, key, ...(packed ? ['value'] : [])], reasonsFor(configType(holder[key])));
}

function among(object: unknown, path: readonly string[], reasons: Reasons = {}): ReturnType<typeof ignoredFields> {
  return Object.keys(fieldsOf(object)).flatMap((field) => {
    const name = field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const why = Object.hasOwn(reasons, name) ? reasons[name] : undefined;
    return why === undefined ? [] : [{ path: [...path, field], why }];
  });
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
