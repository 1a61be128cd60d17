import type { RequestRecord } from '../../src/contract/index.ts';

type Json = Readonly<Record<string, unknown>>;

/** What a request to httpbin is judged by: the manifests by kind, and what it brings. */
export interface HttpbinCall {
  readonly bodies: (kind: string) => readonly Json[];
  readonly url: string;
  readonly authorization: string | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The how-many-th request. */
  readonly count: number;
}

/** Requests per second that were let in, for the one bucket that there is. */
const buckets = new Map<number, number>();

/** What the sidecars of ingress and httpbin make of a request, as far as the tutorials' rules go. */
export function askHttpbin({ bodies, url, authorization, now, count }: HttpbinCall): Partial<RequestRecord> {
  const policy = JSON.stringify(bodies('AuthorizationPolicy'));
  const claims = claimsOf(authorization);
  if (bodies('RequestAuthentication').length > 0 && authorization !== undefined && claims === undefined) return { path: url, status: 401 };
  if (policy.includes('requestPrincipals') && claims === undefined) return { path: url, status: 403 };
  if (policy.includes('editors') && claims?.groups.includes('editors') !== true) return { path: url, status: 403 };
  if (/filter_enforced":\{"default_value":\{"numerator":100/.test(JSON.stringify(bodies('EnvoyFilter')))) {
    const second = Math.floor(now / 1000);
    const taken = (buckets.get(second) ?? 0) + 1;
    buckets.set(second, taken);
    if (taken > 5) return { path: url, status: 429 };
  }
  const rule = JSON.stringify(bodies('DestinationRule'));
  if (url.startsWith('/delay')) return rule.includes('connectionPool') && count % 4 !== 0 ? { path: url, status: 503, flags: ['UO'] } : { path: url, duration: 1003 };
  const dead = JSON.stringify(bodies('Deployment')).includes('"version":"dead"');
  return { path: url, ...(dead && !rule.includes('outlierDetection') && count % 2 === 0 ? { retries: 1 } : {}) };
}

function claimsOf(authorization: string | undefined): { readonly groups: readonly string[] } | undefined {
  const payload = /^Bearer [^.]+\.([^.]+)\.[^.]+$/.exec(authorization ?? '')?.[1];
  return payload === undefined ? undefined : JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { readonly groups: readonly string[] };
}

/** Whether the policies of Bookinfo let an account of the caller's app through to another app. */
export function isAllowed(policies: readonly Json[], caller: string, app: string): boolean {
  const specs = policies.map(({ spec }) => spec as { readonly selector?: { readonly matchLabels: { readonly app: string } } });
  const own = specs.filter(({ selector }) => selector === undefined || selector.matchLabels.app === app);
  return own.length === 0 || own.some((spec) => JSON.stringify(spec).includes(`${caller}"`));
}

/** The regions in which pods of the store run. */
export function stores(bodies: HttpbinCall['bodies']): readonly string[] {
  return bodies('Deployment').filter(({ spec }) => (spec as { readonly replicas?: number }).replicas !== 0).flatMap(({ metadata }) => /^store-(near|far)$/.exec((metadata as { readonly name: string }).name)?.[1] ?? []);
}

/** Where a shopper of the near region is served: in turn, or as near as possible where ill pods are found out. */
export function storeFor(bodies: HttpbinCall['bodies'], count: number): string {
  const there = [...stores(bodies)].sort().reverse();
  const byDistance = JSON.stringify(bodies('DestinationRule')).includes('"host":"store","trafficPolicy":{"outlierDetection"');
  return there[byDistance ? 0 : count % there.length] ?? '';
}
