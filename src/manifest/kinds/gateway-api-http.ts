import { z } from 'zod';
import { Duration, Flag, Int32, Text, TextList, UInt32, notRun } from '../../util/manifest-fields.ts';
import { isPort, length, required, ruled, uniqueBy, within } from '../../util/manifest-rules.ts';
import { BackendReference, ParentReference } from './gateway-api.ts';
import { Group, HostText, Kind, ObjectName, SectionName } from './gateway-api-fields.ts';

/** Kubernetes keeps such lists by name. */
const byName = [length({ max: 16 }), uniqueBy('name')] as const;

const Comparison = z.object({ type: z.enum(['Exact', 'RegularExpression']).default('Exact'), name: Text, value: Text });

const Header = ruled(z.object({ name: Text, value: ruled(Text, length({ min: 1, max: 4096 })) }), required('name', 'value'));

/** Changes of headers: `set` replaces, `add` appends, `remove` takes out. */
export const HeaderModifier = z.object({
  set: ruled(z.array(Header).default([]), ...byName),
  add: ruled(z.array(Header).default([]), ...byName),
  remove: ruled(TextList, length({ max: 16 })),
});
export type HeaderModifier = z.output<typeof HeaderModifier>;

/** Another path: the whole of it, or the prefix that matched. */
export const PathModifier = z.object({ type: z.enum(['ReplaceFullPath', 'ReplacePrefixMatch']).exactOptional(), replaceFullPath: ruled(z.string(), length({ max: 1024 })).exactOptional(), replacePrefixMatch: ruled(z.string(), length({ max: 1024 })).exactOptional() });
export type PathModifier = z.output<typeof PathModifier>;

const RequestRedirect = z.object({
  scheme: z.enum(['http', 'https']).exactOptional(),
  hostname: HostText,
  path: PathModifier.exactOptional(),
  port: ruled(UInt32, isPort).exactOptional(),
  statusCode: UInt32.default(302),
});
const RequestMirror = z.object({
  backendRef: BackendReference.prefault({}),
  percent: Int32.exactOptional(),
  fraction: z.object({ numerator: Int32.default(0), denominator: Int32.default(100) }).exactOptional(),
});
const many = length({ max: 64 });
const Cors = z.object({ allowOrigins: ruled(TextList, many), allowCredentials: Flag, allowMethods: ruled(TextList, length({ max: 9 })), allowHeaders: ruled(TextList, many), exposeHeaders: ruled(TextList, many), maxAge: ruled(Int32.default(5), within(1, 2_147_483_647)) });

const filterFields = {
  requestHeaderModifier: HeaderModifier.exactOptional(),
  responseHeaderModifier: HeaderModifier.exactOptional(),
  requestMirror: RequestMirror.exactOptional(),
  extensionRef: ruled(z.object({ group: Group, kind: Kind, name: ObjectName }), required('group', 'kind', 'name')).exactOptional(),
};

/** What happens to a request of a rule, or of one of its backends. Source: gateway-api.sigs.k8s.io, HTTPRouteFilter. */
export const HTTPRouteFilter = z.object({
  type: Text,
  ...filterFields,
  requestRedirect: RequestRedirect.exactOptional(),
  urlRewrite: z.object({ hostname: HostText, path: PathModifier.exactOptional() }).exactOptional(),
  cors: Cors.exactOptional(),
  externalAuth: notRun('write an AuthorizationPolicy with a CUSTOM action'),
});
export type HTTPRouteFilter = z.output<typeof HTTPRouteFilter>;

const Path = z.object({ type: z.enum(['Exact', 'PathPrefix', 'RegularExpression']).default('PathPrefix'), value: z.string().default('/') });

/** What a request must look like. */
export const HTTPRouteMatch = z.object({ path: Path.prefault({}), headers: ruled(z.array(Comparison).default([]), ...byName), queryParams: ruled(z.array(Comparison).default([]), ...byName), method: Text });
export type HTTPRouteMatch = z.output<typeof HTTPRouteMatch>;

const HTTPBackendReference = BackendReference.extend({ filters: ruled(z.array(HTTPRouteFilter).default([]), length({ max: 16 })) });
export type HTTPBackendReference = z.output<typeof HTTPBackendReference>;

const sticky = notRun('use a DestinationRule with a consistent hash');

/** One rule of an HTTPRoute. */
export const HTTPRouteRule = z.object({
  name: SectionName,
  matches: ruled(z.array(HTTPRouteMatch).prefault([{}]), many),
  filters: ruled(z.array(HTTPRouteFilter).default([]), length({ max: 16 })),
  backendRefs: ruled(z.array(HTTPBackendReference).default([]), length({ max: 16 })),
  timeouts: z.object({ request: Duration.exactOptional(), backendRequest: Duration.exactOptional() }).exactOptional(),
  retry: z.object({ codes: z.array(UInt32).default([]), attempts: Int32.exactOptional(), backoff: Duration.exactOptional() }).exactOptional(),
  sessionPersistence: sticky,
});
export type HTTPRouteRule = z.output<typeof HTTPRouteRule>;

const routeFields = { parentRefs: z.array(ParentReference).default([]), hostnames: ruled(TextList, length({ max: 16 })), useDefaultGateways: notRun('there is no default Gateway') };

/** Source: gateway-api.sigs.k8s.io, HTTPRoute. */
export const KubernetesHTTPRoute = z.object({ ...routeFields, rules: ruled(z.array(HTTPRouteRule).prefault([{}]), length({ min: 1 })) });
export type KubernetesHTTPRoute = z.output<typeof KubernetesHTTPRoute>;

const GRPCRouteFilter = z.object({ type: Text, ...filterFields });
const GRPCBackendReference = BackendReference.extend({ filters: ruled(z.array(GRPCRouteFilter).default([]), length({ max: 16 })) });
const GRPCMethod = z.object({ type: z.enum(['Exact', 'RegularExpression']).default('Exact'), service: Text, method: Text });

/** One rule of a GRPCRoute. */
export const GRPCRouteRule = z.object({
  name: SectionName,
  matches: ruled(z.array(z.object({ method: GRPCMethod.exactOptional(), headers: ruled(z.array(Comparison).default([]), ...byName) })).prefault([{}]), many),
  filters: ruled(z.array(GRPCRouteFilter).default([]), length({ max: 16 })),
  backendRefs: ruled(z.array(GRPCBackendReference).default([]), length({ max: 16 })),
  sessionPersistence: sticky,
});
export type GRPCRouteRule = z.output<typeof GRPCRouteRule>;

/** Source: gateway-api.sigs.k8s.io, GRPCRoute. */
export const GRPCRoute = z.object({ ...routeFields, rules: z.array(GRPCRouteRule).prefault([{}]) });
export type GRPCRoute = z.output<typeof GRPCRoute>;
