import type { ProxyConfig } from '../xds/index.ts';
import { withEnvoyFilters } from './envoy-filters.ts';
import { gatewayConfig } from './gateway-config.ts';
import { withEnvironment } from './proxy-environment.ts';
import { proxylessConfig } from './proxyless-config.ts';
import { sidecarConfig } from './sidecar-config.ts';
import { prepareSnapshot, type SnapshotIndex } from './snapshot-index.ts';
import { withTelemetry } from './telemetry.ts';
import type { MeshSnapshot, ProxyNode } from './types.ts';

/** Compiles one proxy of an index that was prepared for all of them. */
export function compileFor(index: SnapshotIndex, node: ProxyNode): ProxyConfig {
  if (node.generator === 'grpc') return proxylessConfig(index, node);
  const asked = withTelemetry(withEnvironment(index, node), node);
  return withEnvoyFilters(asked, node, node.type === 'router' ? gatewayConfig(asked, node) : sidecarConfig(asked, node));
}

/** Compiles one proxy. For several, `prepareSnapshot` once and `compileFor` each. */
export function compile(snapshot: MeshSnapshot, node: ProxyNode): ProxyConfig {
  return compileFor(prepareSnapshot(snapshot), node);
}
