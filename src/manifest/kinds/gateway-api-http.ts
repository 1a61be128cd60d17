import { z } from 'zod';
import { Duration, Flag, Int32, Text, TextList, UInt32, notRun } from '../../util/manifest-fields.ts';
import { BackendReference, ParentReference } from './gateway-api.ts';

const Comparison = z.object({ type: z.enum(['Exact', 'RegularExpression']).default('Exact'), name: Text, value: Text });

/** Changes of headers: `set` replaces, `add` appends, `remove` takes out. */
export const HeaderModifier = z.object({
  set: z.array(z.object({ name: Text, value: Text })).default([]),
  add: z.array(z.object({ name: Text, value: Text })).default([]),
  remove: TextList,
});
export type HeaderModifier = z.output<typeof HeaderModifier>;

/** Another path: the whole of it, or the prefix that matched. */
export const PathModifier = z.object({ type: z.enum(['ReplaceFullPath', 'ReplacePrefixMatch']).exactOptional(), replaceFullPath: z.string().exactOptional(), replacePrefixMatch: z.string().exactOptional() });
export type PathModifier = z.output<typeof PathModifier>;

const RequestRedirect = z.object({
  scheme: z.enum(['http', 'https']).exactOptional(),
  hostname: Text,
  path: PathModifier.exactOptional(),
  port: UInt32.exactOptional(),
  statusCode: UInt32.default(302),
});
const RequestMirror = z.object({
  backendRef: BackendReference.prefault({}),
  percent: Int32.exactOptional(),
  fraction: z.object({ numerator: Int32.default(0), denominator: Int32.default(100) }).exactOptional(),
});
const Cors = z.object({ allowOrigins: TextList, allowCredentials: Flag, allowMethods: TextList, allowHeaders: TextList, exposeHeaders: TextList, maxAge: Int32.default(5) });

const filterFields = {
  requestHeaderModifier: HeaderModifier.exactOptional(),
  responseHeaderModifier: HeaderModifier.exactOptional(),
  requestMirror: RequestMirror.exactOptional(),
  extensionRef: z.object({ group: Text, kind: Text, name: Text }).exactOptional(),
};

/** What happens to a request of a rule, or of one of its backends. Source: gateway-api.sigs.k8s.io, HTTPRouteFilter. */
export const HTTPRouteFilter = z.object({
  type: Text,
  ...filterFields,
  requestRedirect: RequestRedirect.exactOptional(),
  urlRewrite: z.object({ hostname: Text, path: PathModifier.exactOptional() }).exactOptional(),
  cors: Cors.exactOptional(),
  externalAuth: notRun('write an AuthorizationPolicy with a CUSTOM action'),
});
export type HTTPRouteFilter = z.output<typeof HTTPRouteFilter>;

const Path = z.object({ type: z.enum(['Exact', 'PathPrefix', 'RegularExpression']).default('PathPrefix'), value: z.string().default('/') });

/** What a request must look like. */
export const HTTPRouteMatch = z.object({ path: Path.prefault({}), headers: z.array(Comparison).default([]), queryParams: z.array(Comparison).default([]), method: Text });
export type HTTPRouteMatch = z.output<typeof HTTPRouteMatch>;

const HTTPBackendReference = BackendReference.extend({ filters: z.array(HTTPRouteFilter).default([]) });
export type HTTPBackendReference = z.output<typeof HTTPBackendReference>;

const sticky = notRun('use a DestinationRule with a consistent hash');

/** One rule of an HTTPRoute. */
export const HTTPRouteRule = z.object({
  name: Text,
  matches: z.array(HTTPRouteMatch).prefault([{}]),
  filters: z.array(HTTPRouteFilter).default([]),
  backendRefs: z.array(HTTPBackendReference).default([]),
  timeouts: z.object({ request: Duration.exactOptional(), backendRequest: Duration.exactOptional() }).exactOptional(),
  retry: z.object({ codes: z.array(UInt32).default([]), attempts: Int32.exactOptional(), backoff: Duration.exactOptional() }).exactOptional(),
  sessionPersistence: sticky,
});
export type HTTPRouteRule = z.output<typeof HTTPRouteRule>;

const routeFields = { parentRefs: z.array(ParentReference).default([]), hostnames: TextList, useDefaultGateways: notRun('there is no default Gateway') };

/** Source: gateway-api.sigs.k8s.io, HTTPRoute. */
export const KubernetesHTTPRoute = z.object({ ...routeFields, rules: z.array(HTTPRouteRule).prefault([{}]) });
export type KubernetesHTTPRoute = z.output<typeof KubernetesHTTPRoute>;

const GRPCRouteFilter = z.object({ type: Text, ...filterFields });
const GRPCBackendReference = BackendReference.extend({ filters: z.array(GRPCRouteFilter).default([]) });
const GRPCMethod = z.object({ type: z.enum(['Exact', 'RegularExpression']).default('Exact'), service: Text, method: Text });

/** One rule of a GRPCRoute. */
export const GRPCRouteRule = z.object({
  name: Text,
  matches: z.array(z.object({ method: GRPCMethod.exactOptional(), headers: z.array(Comparison).default([]) })).prefault([{}]),
  filters: z.array(GRPCRouteFilter).default([]),
  backendRefs: z.array(GRPCBackendReference).default([]),
  sessionPersistence: sticky,
});
export type GRPCRouteRule = z.output<typeof GRPCRouteRule>;

/** Source: gateway-api.sigs.k8s.io, GRPCRoute. */
export const GRPCRoute = z.object({ ...routeFields, rules: z.array(GRPCRouteRule).prefault([{}]) });
export type GRPCRoute = z.output<typeof GRPCRoute>;
