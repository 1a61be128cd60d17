import { z } from 'zod';
import { Flag, Int32, PositiveDuration, Text, TextList, WorkloadSelector } from '../../util/manifest-fields.ts';
import { atMostOne, length, matching, required, ruled, within } from '../../util/manifest-rules.ts';
import { policyTarget } from '../../util/policy-target.ts';

export { PolicyTargetReference } from '../../util/policy-target.ts';

const oneTarget = atMostOne('selector', 'targetRef', 'targetRefs');

const filled = ruled(z.string(), length({ min: 1 }));
const filledList = z.array(filled).default([]);
const KeysUri = ruled(Text, length({ min: 1, max: 2048 }), matching(/^https?:\/\/(?:\[[0-9a-f:.]+\]|[^\s/:?#@[\]]+)(?::\d*)?(?:[/?#]\S*)?$/i, 'an http or https URL'));

/** One issuer of tokens, and where its tokens are found. */
export const JWTRule = ruled(
  z.object({
    issuer: ruled(Text, length({ min: 1 })),
    audiences: filledList,
    jwksUri: KeysUri,
    jwks_uri: KeysUri,
    jwks: Text,
    fromHeaders: z.array(ruled(z.object({ name: ruled(Text, length({ min: 1 })), prefix: Text }), required('name'))).default([]),
    fromParams: filledList,
    fromCookies: filledList,
    outputPayloadToHeader: Text,
    outputClaimToHeaders: z
      .array(ruled(z.object({ header: ruled(Text, length({ min: 1 }), matching(/^[-_A-Za-z0-9]+$/, 'a header name: letters, digits, - and _')), claim: ruled(Text, length({ min: 1 })) }), required('header', 'claim')))
      .default([]),
    forwardOriginalToken: Flag,
    timeout: PositiveDuration.exactOptional(),
    spaceDelimitedClaims: ruled(filledList, length({ max: 64 })),
    presence: z.enum(['OPTIONAL', 'REQUIRED']).exactOptional(),
  }),
  atMostOne('jwksUri', 'jwks_uri', 'jwks'),
);
export type JWTRule = z.output<typeof JWTRule>;

/** Source: istio.io, RequestAuthentication. */
export const RequestAuthentication = ruled(z.object({ ...policyTarget, jwtRules: ruled(z.array(JWTRule).default([]), length({ max: 4096 })) }), oneTarget);
export type RequestAuthentication = z.output<typeof RequestAuthentication>;

/** Source: istio.io, ProxyConfig. */
export const ProxyConfig = z.object({
  selector: WorkloadSelector.exactOptional(),
  concurrency: ruled(Int32, within(0, Infinity)).meta({ notRun: 'a sidecar of the lab is one thread' }).exactOptional(),
  environmentVariables: z.record(z.string(), ruled(z.string(), length({ max: 2048 }))).meta({ notRun: 'the lab’s sidecars have no such switches' }).default({}),
  image: z.object({ imageType: Text }).meta({ notRun: 'the lab’s sidecars all run its own image' }).exactOptional(),
});
export type ProxyConfig = z.output<typeof ProxyConfig>;
