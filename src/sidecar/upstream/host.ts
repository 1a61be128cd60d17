import type { Peer } from '../../contract/index.ts';
import type { LbEndpoint } from '../../xds/index.ts';
import type { UpstreamHost } from '../runtime.ts';

/** A host of a cluster. It outlives changes of its endpoint's metadata, and so do its connections. */
export class Host implements UpstreamHost {
  readonly address: string;
  readonly ip: string;
  readonly port: number;
  endpoint: LbEndpoint;
  weight: number;
  priority: number;
  active = 0;
  peer: Pick<Peer, 'workload' | 'namespace' | 'app' | 'version' | 'pod'>;

  constructor(ip: string, port: number, endpoint: LbEndpoint, priority: number) {
    this.ip = ip;
    this.port = port;
    this.address = hostAddress(ip, port);
    this.endpoint = endpoint;
    this.weight = weightOf(endpoint);
    this.priority = priority;
    this.peer = peerOf(endpoint);
  }

  /** Takes over what a newer config says of the same address. */
  refresh(endpoint: LbEndpoint, priority: number): void {
    this.endpoint = endpoint;
    this.weight = weightOf(endpoint);
    this.priority = priority;
    this.peer = peerOf(endpoint);
  }

  /** Fit to serve, by what EDS says of it. */
  get healthy(): boolean {
    const status = this.endpoint.healthStatus;
    return status === undefined || status === 'UNKNOWN' || status === 'HEALTHY' || status === 'DEGRADED';
  }

  /** Serves only when no better host does. */
  get degraded(): boolean {
    return this.endpoint.healthStatus === 'DEGRADED';
  }
}

/** `ip:port`, IPv6 in brackets. */
export function hostAddress(ip: string, port: number): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

function weightOf(endpoint: LbEndpoint): number {
  return Math.max(1, Number(endpoint.loadBalancingWeight ?? 1));
}

/** Istio's endpoint metadata: `istio.workload` is `name;namespace;app;version;cluster`. */
function peerOf(endpoint: LbEndpoint): Host['peer'] {
  const workload = endpoint.metadata?.filterMetadata?.['istio']?.['workload'];
  const [name = '', namespace = '', app = '', version = ''] = typeof workload === 'string' ? workload.split(';') : [];
  const pod = endpoint.metadata?.filterMetadata?.['dev.weft']?.['pod'];
  return { workload: name, namespace, app: app === '' ? name : app, version: version === '' && name !== '' ? 'latest' : version, pod: typeof pod === 'string' ? pod : '' };
}
