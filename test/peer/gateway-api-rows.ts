import { ofKind, type ParentReference, type Resource } from '../../src/manifest/index.ts';
import type { PeerRow } from './gateway-api-cases.ts';
import type { Arrival } from './gateway-api-exchange.ts';

/** What the routes of manifests attach to. */
export function parentsOf(resources: readonly Resource[]): readonly { readonly reference: ParentReference; readonly namespace: string }[] {
  return [...ofKind(resources, 'HTTPRoute'), ...ofKind(resources, 'GRPCRoute')].flatMap(({ spec, metadata }) => spec.parentRefs.map((reference) => ({ reference, namespace: metadata.namespace })));
}

/** The host names of routes. */
export function hostnamesOf(resources: readonly Resource[]): readonly string[] {
  return ofKind(resources, 'HTTPRoute').flatMap(({ spec }) => spec.hostnames);
}

/** The paths that routes match. */
export function pathsOf(resources: readonly Resource[]): readonly string[] {
  return ofKind(resources, 'HTTPRoute').flatMap(({ spec }) => spec.rules.flatMap(({ matches }) => matches.map(({ path }) => path.value)));
}

/** The values that a field may have: its own, else all that the manifests name. */
export function options(written: unknown, known: readonly string[], otherwise: string): readonly string[] {
  if (written === undefined) return [otherwise];
  return typeof written === 'string' ? [written === '' ? otherwise : written] : known;
}

/** The requests that a row may mean at a listener. */
export function gatewayArrivals({ Request }: PeerRow, ip: string, port: number, secure: boolean, hosts: readonly string[], paths: readonly string[]): readonly Arrival[] {
  const [fallback = 'gateway.example'] = secure || Request.Host !== undefined ? hosts : [];
  return options(Request.Host, hosts, fallback.replace('*', 'any')).filter((host) => !/:\d+$/.test(host) || host.endsWith(`:${port}`)).flatMap((host) => options(Request.Path, paths, '/').flatMap((path) => [true, false].map((certified): Arrival => ({
    localPort: port, ip, port, secure, serverName: host.replace(/:\d+$/, ''), certified, method: Request.Method ?? 'GET', path, authority: host, headers: Request.Headers ?? {}, random: 0.4,
  }))));
}
