import { z } from 'zod';
import { Flag, PositiveDuration, Text } from '../../util/manifest-fields.ts';
import { atMostOne, length, matching, required, ruled } from '../../util/manifest-rules.ts';
import { policyTarget } from '../../util/policy-target.ts';

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
