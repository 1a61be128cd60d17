import type { Cluster } from '../../xds/index.ts';
import type { ServiceEntry } from './manifest.ts';

/** How the endpoints of a service become known. */
export type Resolution = 'endpoints' | 'dns' | 'dns-round-robin' | 'original-destination';

/** A ServiceEntry's resolution in the mesh's terms. */
export function resolutionOf(entry: Pick<ServiceEntry, 'resolution'>): Resolution {
  switch (entry.resolution) {
    case 'STATIC': return 'endpoints';
    case 'DNS': return 'dns';
    case 'DNS_ROUND_ROBIN': return 'dns-round-robin';
    default: return 'original-destination';
  }
}

/** Envoy's discovery type. A gateway has no original destination, so it asks for endpoints. */
export function discoveryType(resolution: Resolution, gateway: boolean): NonNullable<Cluster['type']> {
  switch (resolution) {
    case 'endpoints': return 'EDS';
    case 'dns': return 'STRICT_DNS';
    case 'dns-round-robin': return 'LOGICAL_DNS';
    case 'original-destination': return gateway ? 'EDS' : 'ORIGINAL_DST';
  }
}
