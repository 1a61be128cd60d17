import type { Resource } from '../manifest/index.ts';
import type { MeshConfig } from './mesh-config.ts';

/** A container port that a pod declares. */
export interface PodPort {
  readonly name?: string;
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP';
}

/** A running pod as compile sees it: facts from Docker, not from manifests. */
export interface PodInfo {
  readonly name: string;
  readonly namespace: string;
  readonly ip: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  /** The owner's name, e.g. the Deployment `reviews-v1`. */
  readonly workload: string;
  readonly ports: readonly PodPort[];
  /** A sidecar captures its traffic, so it can speak mTLS. */
  readonly sidecar: boolean;
  readonly ready: boolean;
  /** A gateway's proxy takes what its Gateways say, so nobody speaks mTLS to it by himself. */
  readonly kind?: 'workload' | 'gateway';
}

/** The proxy that a config is made for. */
export interface ProxyNode {
  /** Istio's node id: `sidecar~10.0.0.5~reviews-v1-abc.default~default.svc.cluster.local`. */
  readonly id: string;
  readonly type: 'sidecar' | 'router';
  readonly name: string;
  readonly namespace: string;
  readonly ip: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  /** Who runs on the config: a gRPC library in the application itself, without a proxy. Source: istio.io/latest/blog/2021/proxyless-grpc. */
  readonly generator?: 'grpc';
}

/** Everything that compile looks at. Immutable: a change makes a new one. */
export interface MeshSnapshot {
  /** In the order in which they were applied; earlier wins where Istio says that the older one does. */
  readonly resources: readonly Resource[];
  readonly pods: readonly PodInfo[];
  readonly mesh: MeshConfig;
  /** Virtual IP by `namespace/name` of a Service, or by host of a ServiceEntry. */
  readonly virtualIps: ReadonlyMap<string, string>;
  /** Fetched key sets of issuers of tokens, as JSON, by the URL that they come from. */
  readonly keySets?: ReadonlyMap<string, string>;
  /** No kube-proxy translates service ports for callers without a sidecar: inbound listeners take a service's own port too. */
  readonly withoutKubeProxy?: boolean;
}
