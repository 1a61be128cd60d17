import { AuthorizationPolicy } from '../../src/features/authorization/manifest.ts';
import { httpAccess, trustDomains } from '../../src/features/authorization/compile.ts';
import { defaultMeshConfig } from '../../src/compile/index.ts';
import { httpFilter } from '../../src/compile/network-filters.ts';
import { reportingMesh } from '../../src/compile/telemetry.ts';
import type { HttpConnectionManager, HttpFilterConfig, Listener, RouteConfiguration, Route } from '../../src/xds/index.ts';

/** The features that the sidecar carries in the bench: what the compiler makes of a lab with tracing, access log, ten policies and fifty routes. */
export interface BenchConfig {
  readonly clusterName: string;
  readonly listener: Listener;
  readonly manager: HttpConnectionManager;
  readonly routes: RouteConfiguration;
}

/** The config of one side. As in a mesh, the caller's own sidecar judges by no policies; one that stands alone does. */
export function benchConfig(side: 'alone' | 'client' | 'server'): BenchConfig {
  const mesh = reportingMesh(defaultMeshConfig, new Set());
  const filter = httpFilter({ statPrefix: 'bench', routes: 'r', place: side === 'server' ? 'inbound' : 'outbound', mesh, access: side === 'client' ? [] : policies() });
  const name = side === 'server' ? 'virtualInbound' : '0.0.0.0_9080';
  const clusterName = 'outbound|9080||reviews.default.svc.cluster.local';
  return { clusterName, manager: filter.typedConfig as HttpConnectionManager & { readonly '@type': string }, listener: { name, filterChains: [{ filters: [filter] }] }, routes: routes(clusterName) };
}

/** Five that deny and five that allow; only the last lets the requests of the bench in. */
function policies(): readonly HttpFilterConfig[] {
  const deny = Array.from({ length: 5 }, (_unused, index) => ({ action: 'DENY', rules: [{ from: [{ source: { notIpBlocks: ['127.0.0.0/8', '10.0.0.0/8'] } }], to: [{ operation: { paths: [`/admin/${index}/*`], methods: ['POST', 'DELETE'] } }] }] }));
  const allow = Array.from({ length: 5 }, (_unused, index) => ({ action: 'ALLOW', rules: [{ to: [{ operation: index < 4 ? { paths: [`/api/v${index}/*`], methods: ['GET', 'POST'] } : { paths: ['/200', '/64k'], methods: ['GET'] } }], ...(index < 4 ? { when: [{ key: 'request.headers[x-team]', values: [`team-${index}`] }] } : {}) }] }));
  const applied = [...deny, ...allow].map((spec, index) => ({ name: `p${index}`, namespace: 'default', spec: AuthorizationPolicy.parse(spec), dryRun: false, origin: () => ({ file: 'bench.yaml', line: index, kind: 'AuthorizationPolicy', name: `p${index}` }) }));
  return httpAccess(applied, { trust: trustDomains('cluster.local', []), stands: undefined });
}

/** 49 routes for some callers, and one for all. */
function routes(cluster: string): RouteConfiguration {
  const special = Array.from({ length: 49 }, (_unused, index): Route => ({ name: `r${index}`, match: { prefix: `/api/v${index}/`, headers: [{ name: 'end-user', stringMatch: { exact: `user-${index}` } }] }, route: { cluster, timeout: '0s' } }));
  const retryPolicy = { retryOn: 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes', numRetries: 2, retriableStatusCodes: [503] };
  return { name: 'r', virtualHosts: [{ name: 'all', domains: ['*'], includeRequestAttemptCount: true, routes: [...special, { name: 'default', match: { prefix: '/' }, route: { cluster, timeout: '0s', retryPolicy } }] }] };
}
