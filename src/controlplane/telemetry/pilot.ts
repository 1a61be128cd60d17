import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** The control plane's own metrics, with istiod's names. */
export interface PilotMetrics {
  /** A resource type (`cds`, `eds`, …) was pushed to a proxy. */
  pushed(type: string): void;
  rejected(type: string): void;
  /** Seconds from a change to its acknowledgement by one proxy. */
  converged(seconds: number): void;
  connected(proxies: number): void;
  issued(): void;
  text(): Promise<string>;
}

/** Makes a registry of its own. Source: istio.io/latest/docs/reference/commands/pilot-discovery, "Exported metrics". */
export function createPilotMetrics(): PilotMetrics {
  const registers = [new Registry()];
  const pushes = new Counter({ name: 'pilot_xds_pushes', help: 'Pushes by resource type.', labelNames: ['type'], registers });
  const rejects = new Counter({ name: 'pilot_total_xds_rejects', help: 'Pushes that a proxy has rejected.', labelNames: ['type'], registers });
  const convergence = new Histogram({ name: 'pilot_proxy_convergence_time', help: 'Seconds from a change to its acknowledgement by a proxy.', buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 3, 5, 10, 20, 30], registers });
  const proxies = new Gauge({ name: 'pilot_xds', help: 'Connected proxies.', registers });
  const certificates = new Counter({ name: 'citadel_server_success_cert_issuance_count', help: 'Certificates issued.', registers });
  return {
    pushed: (type) => pushes.inc({ type }),
    rejected: (type) => rejects.inc({ type }),
    converged: (seconds) => convergence.observe(seconds),
    connected: (count) => proxies.set(count),
    issued: () => certificates.inc(),
    text: () => registers[0]?.metrics() ?? Promise.resolve(''),
  };
}
