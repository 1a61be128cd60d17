import { z } from 'zod';
import { Duration, Flag, Int32, Text, TextList, TextMap, WorkloadSelector, protoEnum } from '../../util/manifest-fields.ts';

/** Names another resource that a policy is attached to. */
export const PolicyTargetReference = z.object({ group: Text, kind: Text, name: Text, namespace: Text });
export type PolicyTargetReference = z.output<typeof PolicyTargetReference>;

const target = { selector: WorkloadSelector.exactOptional(), targetRef: PolicyTargetReference.exactOptional(), targetRefs: z.array(PolicyTargetReference).default([]) };

/** Who calls. */
const Source = z.object({
  principals: TextList, notPrincipals: TextList,
  requestPrincipals: TextList, notRequestPrincipals: TextList,
  namespaces: TextList, notNamespaces: TextList,
  serviceAccounts: TextList, notServiceAccounts: TextList,
  trustDomains: TextList, notTrustDomains: TextList,
  ipBlocks: TextList, notIpBlocks: TextList,
  remoteIpBlocks: TextList, notRemoteIpBlocks: TextList,
});
/** What is asked for. */
const Operation = z.object({ hosts: TextList, notHosts: TextList, ports: TextList, notPorts: TextList, methods: TextList, notMethods: TextList, paths: TextList, notPaths: TextList });

/** One rule of an AuthorizationPolicy: all of its parts must match, any entry of each. */
export const AuthorizationRule = z.object({
  from: z.array(z.object({ source: Source.exactOptional() })).exactOptional(),
  to: z.array(z.object({ operation: Operation.exactOptional() })).exactOptional(),
  when: z.array(z.object({ key: Text, values: TextList, notValues: TextList })).default([]),
});
export type AuthorizationRule = z.output<typeof AuthorizationRule>;

/** Source: istio.io, AuthorizationPolicy. `rules` absent matches nothing. */
export const AuthorizationPolicy = z.object({
  ...target,
  rules: z.array(AuthorizationRule).exactOptional(),
  action: protoEnum(['ALLOW', 'DENY', 'AUDIT', 'CUSTOM']),
  provider: z.object({ name: Text }).exactOptional(),
});
export type AuthorizationPolicy = z.output<typeof AuthorizationPolicy>;

/** One issuer of tokens, and where its tokens are found. */
export const JWTRule = z.object({
  issuer: Text,
  audiences: TextList,
  jwksUri: Text,
  jwks_uri: Text,
  jwks: Text,
  fromHeaders: z.array(z.object({ name: Text, prefix: Text })).default([]),
  fromParams: TextList,
  fromCookies: TextList,
  outputPayloadToHeader: Text,
  outputClaimToHeaders: z.array(z.object({ header: Text, claim: Text })).default([]),
  forwardOriginalToken: Flag,
  timeout: Duration.exactOptional(),
  spaceDelimitedClaims: TextList,
  presence: z.enum(['OPTIONAL', 'REQUIRED']).exactOptional(),
});
export type JWTRule = z.output<typeof JWTRule>;

/** Source: istio.io, RequestAuthentication. */
export const RequestAuthentication = z.object({ ...target, jwtRules: z.array(JWTRule).default([]) });
export type RequestAuthentication = z.output<typeof RequestAuthentication>;

/** Source: istio.io, ProxyConfig. */
export const ProxyConfig = z.object({ selector: WorkloadSelector.exactOptional(), concurrency: Int32.exactOptional(), environmentVariables: TextMap, image: z.object({ imageType: Text }).exactOptional() });
export type ProxyConfig = z.output<typeof ProxyConfig>;
