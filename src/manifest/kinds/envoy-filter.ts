import { z } from 'zod';
import { Int32, LabelsSelector, Text, TextMap, UInt32, protoEnum } from '../../util/manifest-fields.ts';
import { atMostOne, forMap, has, isPort, ruled, type Rule } from '../../util/manifest-rules.ts';
import { TargetReferences } from '../../util/policy-target.ts';

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
