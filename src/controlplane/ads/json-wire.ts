import { typeUrl, type DiscoveryRequest } from '../../xds/index.ts';
import { resourceType } from './resources.ts';
import type { AdsRequest, Push } from './session.ts';

/** A DiscoveryResponse, as JSON in pieces of UTF-8: what changed since the set that the proxy runs on, of route tables only the hosts that did, else the full set. */
export function jsonResponse({ type, set, before, nonce }: Push): readonly Uint8Array[] {
  const head = `{"typeUrl":${JSON.stringify(typeUrl[type])},"versionInfo":"${set.version}","nonce":"${nonce}"`;
  if (before === undefined || before.version === '') return response(head, set.pieces);
  const { pieces, removed, patches } = set.since(before);
  return response(`${head},"since":"${before.version}","removed":${JSON.stringify(removed)}${patches.length === 0 ? '' : `,"patches":[${patches.join(',')}]`}`, pieces);
}

function response(head: string, resources: readonly Uint8Array[]): readonly Uint8Array[] {
  return [Buffer.from(`${head},"resources":[`), ...resources, Buffer.from(']}')];
}

/** A sidecar's request: it always wants everything. `undefined` for a type that we do not serve. */
export function readJsonRequest({ typeUrl: url, versionInfo, responseNonce, errorDetail }: DiscoveryRequest): AdsRequest | undefined {
  const type = resourceType(url);
  return type === undefined ? undefined : { type, fresh: responseNonce === '', interest: 'all', nonce: responseNonce, has: versionInfo, error: errorDetail };
}
