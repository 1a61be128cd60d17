import type { configParts } from './config-parts.ts';
import type { Cluster, ClusterLoadAssignment, Listener, RouteConfiguration, Secret, VirtualHost } from './index.ts';

/**
 * ADS in JSON (envoy.service.discovery.v3). One stream per proxy carries all types.
 * A request with the `responseNonce` of the last response and its version is an ACK; with `errorDetail`, a NACK:
 * the proxy keeps its last good config and says why.
 */
export interface DiscoveryRequest {
  readonly typeUrl: string;
  /** The version in force; empty on the first request of a fresh proxy. A reconnecting proxy says its last one. */
  readonly versionInfo: string;
  readonly responseNonce: string;
  readonly errorDetail?: { readonly code: number; readonly message: string };
}

/** The full set of one type's resources for this proxy, or what changed since a version that it runs on. */
export interface DiscoveryResponse {
  readonly typeUrl: string;
  readonly versionInfo: string;
  readonly nonce: string;
  readonly resources: readonly unknown[];
  /** The version that the changes are for; a proxy that does not run on it asks anew, for all. Without it, `resources` is the full set. */
  readonly since?: string;
  /** Names of the resources that are gone since then. */
  readonly removed?: readonly string[];
  /** Route tables of which only some hosts changed since then. */
  readonly patches?: readonly RoutePatch[];
}

/** What changed of a route table: hosts that are taken out by name, and then hosts that are put in, each at its place in the new list, in that order. */
export interface RoutePatch {
  readonly name: string;
  readonly removed: readonly string[];
  readonly put: readonly { readonly at: number; readonly host: VirtualHost }[];
}

/** Istio's name table (istio.networking.nds.v1): lower-case host without trailing dot → IPv4 addresses. */
export interface NameTable {
  readonly table: Readonly<Record<string, { readonly ips: readonly string[]; readonly registry?: string; readonly shortname?: string; readonly namespace?: string }>>;
}

/** All resources of one proxy, by type. What compile makes, ADS sends and a sidecar runs on. */
export interface ProxyConfig {
  readonly listeners: readonly Listener[];
  readonly routes: readonly RouteConfiguration[];
  readonly clusters: readonly Cluster[];
  readonly endpoints: readonly ClusterLoadAssignment[];
  readonly names: NameTable;
  /** What its lists are put together from, if it was made so. */
  readonly [configParts]?: ConfigParts;
}

/** Listeners and clusters that other proxies have too, as the very same lists, and those behind them that are the proxy's own: the first are put on the wire once for all. */
export interface ConfigParts {
  readonly common: Pick<ProxyConfig, 'listeners' | 'clusters'>;
  readonly own: Pick<ProxyConfig, 'listeners' | 'clusters'>;
}

/** Secrets are made by the CA, not by compile: `default` (certificate and key), `ROOTCA` (trust bundle), gateway credentials by name. */
export type SecretSet = readonly Secret[];
