import type { ProbeTimes } from '../util/prober.ts';
/**
 * What a container of ours is told, in one environment variable `WEFT` (JSON), so that nothing else of the environment is read.
 * The image's entry point is `node /weft/main.mjs ROLE`.
 */
export type Role = 'sandbox' | 'init' | 'sidecar' | 'control-plane' | 'stand-in';

/** For `sidecar` (and gateways, which are the same binary with `type: router`). */
export interface SidecarSettings {
  /** Istio's node id. */
  readonly node: string;
  /** `namespace/pod`. */
  readonly proxy: string;
  readonly type: 'sidecar' | 'router';
  readonly ip: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly workload: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly trustDomain: string;
  readonly domainSuffix: string;
  readonly controlPlane: { readonly host: string; readonly port: number };
  readonly token: string;
  /** The mesh root, PEM, to verify the control plane (its name is `istiod.istio-system.svc`). */
  readonly roots: string;
  /** Readiness, liveness and startup probes of the pod's containers, run by the sidecar from inside the pod; the commands of `exec` probes it asks core to run. */
  readonly probes: readonly Probe[];
  /** Records a second that are sent in full; above, they are sampled. */
  readonly recordsPerSecond: number;
  /** How it ends connections; Istio's defaults when missing. */
  readonly drain?: DrainSettings;
}

/** How a proxy ends connections, in seconds. Source: istio.io, ProxyConfig. */
export interface DrainSettings {
  /** `drainDuration`: how long those may go on whose listener or filter chain has changed. */
  readonly change: number;
  /** `terminationDrainDuration`: how long those may go on that are under way when the proxy is told to stop. */
  readonly termination: number;
  /** `EXIT_ON_ZERO_ACTIVE_CONNECTIONS`: a proxy that is told to stop waits until there are none, however long. */
  readonly untilNoConnections: boolean;
}

/** Istio's defaults. */
export const defaultDrain: DrainSettings = { change: 45, termination: 5, untilNoConnections: false };

/** What a sidecar prints once it has config and certificate: applications that wait for their proxy wait for it. */
export const proxyReadyLine = 'Envoy proxy is ready';

/** A Kubernetes probe, with defaults filled in and named ports resolved. Seconds. */
export interface Probe extends ProbeTimes {
  readonly action: ProbeAction;
  readonly timeout: number;
}

/** How a probe is tried. */
export type ProbeAction =
  | { readonly http: { readonly port: number; readonly path: string; readonly scheme: 'HTTP' | 'HTTPS'; readonly headers: readonly (readonly [string, string])[] } }
  | { readonly tcp: { readonly port: number } }
  /** The service's name of gRPC's health protocol; empty for the whole server. */
  | { readonly grpc: { readonly port: number; readonly service: string } }
  /** In the container, by the engine. */
  | { readonly exec: { readonly command: readonly string[] } };

/** For `init`: what to capture. Ports as in Istio's annotations; `*` means all. */
export interface CaptureSettings {
  readonly includeOutboundPorts: string;
  readonly excludeOutboundPorts: string;
  readonly includeInboundPorts: string;
  readonly excludeInboundPorts: string;
  readonly includeOutboundIpRanges: string;
  readonly excludeOutboundIpRanges: string;
  readonly captureDns: boolean;
}

/** For `control-plane`. */
export interface ControlPlaneSettings {
  readonly lab: string;
  /** SHA-256 (hex) of core's token. */
  readonly coreTokenHash: string;
  readonly trustDomain: string;
  /** Root certificate and key, PEM (PKCS#8), made by core when the lab is made. */
  readonly ca: { readonly certificate: string; readonly key: string };
  /** Where the store is kept, so that a restart of the container forgets nothing. */
  readonly stateDir: string;
}

/** For `stand-in`: which one, and what the original's container would have been told. */
export interface StandInSettings {
  readonly name: string;
  readonly args: readonly string[];
}
