import { z } from 'zod';
import { Flag, PositiveDuration, Text, TextList, TextMap, protoEnum } from '../../util/manifest-fields.ts';
import { atMostOne, forMap, has, length, matching, required, ruled, type Rule } from '../../util/manifest-rules.ts';
import { policyTarget } from '../../util/policy-target.ts';

const accounts = ruled(z.array(ruled(z.string(), length({ max: 320 }))).default([]), length({ max: 16 }));
const oneWayToNameAccounts: Rule = forMap((source) => {
  const named = has(source, 'serviceAccounts') || has(source, 'notServiceAccounts');
  return named && ['principals', 'notPrincipals', 'namespaces', 'notNamespaces'].some((field) => has(source, field)) ? 'may not set serviceAccounts beside principals or namespaces: an account already names its namespace' : undefined;
});

/** Who calls. */
const Source = ruled(
  z.object({
    principals: TextList, notPrincipals: TextList,
    requestPrincipals: TextList, notRequestPrincipals: TextList,
    namespaces: TextList, notNamespaces: TextList,
    serviceAccounts: accounts, notServiceAccounts: accounts,
    trustDomains: TextList, notTrustDomains: TextList,
    ipBlocks: TextList, notIpBlocks: TextList,
    remoteIpBlocks: TextList, notRemoteIpBlocks: TextList,
  }),
  oneWayToNameAccounts,
);
/** What is asked for. */
const Operation = z.object({ hosts: TextList, notHosts: TextList, ports: TextList, notPorts: TextList, methods: TextList, notMethods: TextList, paths: TextList, notPaths: TextList });

/** One rule of an AuthorizationPolicy: all of its parts must match, any entry of each. */
export const AuthorizationRule = z.object({
  from: ruled(z.array(z.object({ source: Source.exactOptional() })), length({ max: 512 })).exactOptional(),
  to: z.array(z.object({ operation: Operation.exactOptional() })).exactOptional(),
  when: z.array(ruled(z.object({ key: Text, values: TextList, notValues: TextList }), required('key'))).default([]),
});
export type AuthorizationRule = z.output<typeof AuthorizationRule>;

/** Source: istio.io, AuthorizationPolicy. `rules` absent matches nothing. */
export const AuthorizationPolicy = ruled(
  z.object({
    ...policyTarget,
    rules: ruled(z.array(AuthorizationRule), length({ max: 512 })).exactOptional(),
    action: protoEnum(['ALLOW', 'DENY', 'AUDIT', 'CUSTOM']),
    provider: z.object({ name: Text }).exactOptional(),
  }),
  atMostOne('selector', 'targetRef', 'targetRefs'),
);
export type AuthorizationPolicy = z.output<typeof AuthorizationPolicy>;

const inRange = (min: number, max: number, what: string): z.ZodType<number, number | string> =>
  z.union([z.number(), z.string().regex(/^\d{1,10}$/).transform(Number)]).refine((value) => Number.isInteger(value) && value >= min && value <= max, what);

/** How much of a request's body is sent along. */
const BodyInCheck = z.object({ maxRequestBytes: inRange(0, 4_294_967_295, 'must be a number of bytes').default(0), allowPartialMessage: Flag, packAsBytes: Flag });

const asked = {
  /** `[namespace/]host`. */
  service: Text,
  port: inRange(1, 65_535, 'must be a port from 1 to 65535').exactOptional(),
  timeout: PositiveDuration.exactOptional(),
  failOpen: Flag,
  clearRouteCache: Flag,
  statusOnError: ruled(Text, matching(/^[2-5]\d\d$/, 'an HTTP status')),
  includeRequestBodyInCheck: BodyInCheck.exactOptional(),
};

/** Source: istio.io, MeshConfig.ExtensionProvider.EnvoyExternalAuthorizationHttpProvider. */
export const HttpAuthorizer = ruled(z.object({
  ...asked,
  pathPrefix: ruled(Text, matching(/^\//, 'a path that begins with /')),
  includeHeadersInCheck: TextList, includeRequestHeadersInCheck: TextList, includeAdditionalHeadersInCheck: TextMap,
  headersToUpstreamOnAllow: TextList, headersToDownstreamOnAllow: TextList, headersToDownstreamOnDeny: TextList,
}), required('service', 'port'));
export type HttpAuthorizer = z.output<typeof HttpAuthorizer>;

/** Source: istio.io, MeshConfig.ExtensionProvider.EnvoyExternalAuthorizationGrpcProvider. */
export const GrpcAuthorizer = ruled(z.object(asked), required('service', 'port'));
export type GrpcAuthorizer = z.output<typeof GrpcAuthorizer>;
