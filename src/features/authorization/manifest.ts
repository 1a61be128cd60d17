import { z } from 'zod';
import { Text, TextList, protoEnum } from '../../util/manifest-fields.ts';
import { atMostOne, forMap, has, length, required, ruled, type Rule } from '../../util/manifest-rules.ts';
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
