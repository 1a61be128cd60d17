import { queryParameter } from '../../routing/index.ts';
import type { HttpFilterFactory, HttpRequest, RouteScope } from '../../sidecar/hooks.ts';
import { milliseconds } from '../../util/envoy-json.ts';
import type { HashPolicy } from '../../xds/index.ts';
import { hash32 } from './cluster-hash.ts';

/** Works out the key that consistent-hash load balancing goes by. Source: Envoy, RouteAction.HashPolicy. */
export const hashFilter: HttpFilterFactory<RouteScope> = ({ route }, { random }) => {
  const policies = route.route?.hashPolicy ?? [];
  if (policies.length === 0) return undefined;
  return (next) => async (request) => {
    const cookies: string[] = [];
    let hash: number | undefined;
    for (const policy of policies) {
      const key = keyOf(policy, request, (cookie) => cookies.push(cookie), random);
      if (key === undefined) continue;
      // As in Envoy: rotate what there is, so that the order of the policies counts.
      hash = hash === undefined ? hash32(key) : (((hash << 1) | (hash >>> 31)) ^ hash32(key)) >>> 0;
      if (policy.terminal === true) break;
    }
    request.stream.hash = hash;
    const response = await next(request);
    for (const cookie of cookies) response.headers.add('set-cookie', cookie);
    return response;
  };
};

function keyOf(policy: HashPolicy, request: HttpRequest, setCookie: (cookie: string) => void, random: () => number): string | undefined {
  if (policy.header !== undefined) {
    const name = (policy.header.headerName ?? '').toLowerCase();
    return name === ':authority' || name === 'host' ? request.authority : name === ':path' ? request.path : request.headers.joined(name);
  }
  if (policy.cookie !== undefined) return cookieKey(policy.cookie, request, setCookie, random);
  if (policy.connectionProperties?.sourceIp === true) return request.stream.sourceIp;
  if (policy.queryParameter !== undefined) return queryParameter(request.path, policy.queryParameter.name ?? '');
  return undefined;
}

/** A caller without the cookie gets one, when the policy gives it a lifetime. */
function cookieKey(policy: NonNullable<HashPolicy['cookie']>, request: HttpRequest, setCookie: (cookie: string) => void, random: () => number): string | undefined {
  const name = policy.name ?? '';
  for (const part of (request.headers.joined('cookie') ?? '').split(/[;,]/)) {
    const equals = part.indexOf('=');
    if (equals > 0 && part.slice(0, equals).trim() === name) return part.slice(equals + 1).trim().replace(/^"|"$/g, '');
  }
  const ttl = milliseconds(policy.ttl);
  if (ttl === undefined) return undefined;
  const value = [random(), random()].map((number) => Math.floor(number * 0x1_0000_0000).toString(16).padStart(8, '0')).join('');
  const attributes = (policy.attributes ?? []).map((attribute) => `; ${attribute.name ?? ''}${attribute.value === undefined || attribute.value === '' ? '' : `=${attribute.value}`}`).join('');
  setCookie(`${name}="${value}"${ttl > 0 ? `; Max-Age=${Math.round(ttl / 1000)}` : ''}${policy.path === undefined || policy.path === '' ? '' : `; Path=${policy.path}`}; HttpOnly${attributes}`);
  return value;
}
