import { typeUrl, type DiscoveryRequest } from '../../xds/index.ts';
import { resourceType } from './resources.ts';
import type { AdsRequest, Push } from './session.ts';

/** A DiscoveryResponse with the full set, as JSON. */
export function jsonResponse({ type, set, nonce }: Push): string {
  return `{"typeUrl":${JSON.stringify(typeUrl[type])},"versionInfo":"${set.version}","nonce":"${nonce}","resources":[${set.json}]}`;
}

/** A sidecar's request: it always wants everything. `undefined` for a type that we do not serve. */
export function readJsonRequest({ typeUrl: url, versionInfo, responseNonce, errorDetail }: DiscoveryRequest): AdsRequest | undefined {
  const type = resourceType(url);
  return type === undefined ? undefined : { type, fresh: responseNonce === '', interest: 'all', nonce: responseNonce, has: versionInfo, error: errorDetail };
}
