import { typeUrl, type DiscoveryRequest } from '../../xds/index.ts';
import { resourceType } from './resources.ts';
import type { AdsRequest, Push } from './session.ts';

/** A DiscoveryResponse, as JSON: what changed since the set that the proxy runs on, else the full set. */
export function jsonResponse({ type, set, before, nonce }: Push): string {
  const head = `{"typeUrl":${JSON.stringify(typeUrl[type])},"versionInfo":"${set.version}","nonce":"${nonce}"`;
  if (before === undefined || before.version === '') return `${head},"resources":[${set.json}]}`;
  const { json, removed } = set.since(before);
  return `${head},"since":"${before.version}","removed":${JSON.stringify(removed)},"resources":[${json}]}`;
}

/** A sidecar's request: it always wants everything. `undefined` for a type that we do not serve. */
export function readJsonRequest({ typeUrl: url, versionInfo, responseNonce, errorDetail }: DiscoveryRequest): AdsRequest | undefined {
  const type = resourceType(url);
  return type === undefined ? undefined : { type, fresh: responseNonce === '', interest: 'all', nonce: responseNonce, has: versionInfo, error: errorDetail };
}
