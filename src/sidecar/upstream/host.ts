import type { Peer } from '../../contract/index.ts';
import type { LbEndpoint } from '../../xds/index.ts';
import type { HostMonitor, PlacedHost } from '../hooks.ts';
import type { UpstreamHost } from '../runtime.ts';
import { newHostCounters } from './counters.ts';

/** Where an endpoint stands among the others: what its `LocalityLbEndpoints` say. */
export interface Place {
  readonly priority: number;
  readonly locality: string;
  readonly localityWeight: number;
}

/** The place of a host that has no others beside it. */
export const onlyPlace: Place = { priority: 0, locality: '', localityWeight: 0 };

/** A host of a cluster. It outlives changes of its endpoint's metadata, and so do its connections. */
export class Host implements UpstreamHost, PlacedHost {
  readonly address: string;
  readonly ip: string;
  readonly port: number;
  readonly since: number;
  readonly counters = newHostCounters();
  endpoint: LbEndpoint;
  weight: number;
  priority: number;
  locality: string;
  localityWeight: number;
  active = 0;
  connections = 0;
  monitor: HostMonitor | undefined;
  peer: Pick<Peer, 'workload' | 'namespace' | 'app' | 'version' | 'pod'>;

  constructor(ip: string, port: number, endpoint: LbEndpoint, place: Place, since: number) {
    this.ip = ip;
    this.port = port;
    this.address = hostAddress(ip, port);
    this.since = since;
    this.endpoint = endpoint;
    this.weight = weightOf(endpoint);
    ({ priority: this.priority, locality: this.locality, localityWeight: this.localityWeight } = place);
    this.peer = peerOf(endpoint);
  }

  /** Takes over what a newer config says of the same address. */
  refresh(endpoint: LbEndpoint, place: Place): void {
    this.endpoint = endpoint;
    this.weight = weightOf(endpoint);
    ({ priority: this.priority, locality: this.locality, localityWeight: this.localityWeight } = place);
    this.peer = peerOf(endpoint);
  }

  /** Fit to serve: by what EDS says of it, and by how it did. Degraded hosts serve only what the others cannot. */
  get health(): 'healthy' | 'degraded' | 'unhealthy' {
    const status = this.endpoint.healthStatus;
    const said = status === undefined || status === 'UNKNOWN' || status === 'HEALTHY' || status === 'DEGRADED';
    if (!said || this.monitor?.ejection !== undefined) return 'unhealthy';
    return status === 'DEGRADED' ? 'degraded' : 'healthy';
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
