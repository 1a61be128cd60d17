import type { ClusterLoadAssignment } from '../../xds/index.ts';
import { Host, hostAddress, type Place } from './host.ts';

/** The hosts of an assignment; those that are known already stay the same objects. `now` is when new ones became hosts. */
export function hostsOf(assignment: ClusterLoadAssignment | undefined, known: ReadonlyMap<string, Host>, now: number): readonly Host[] {
  const hosts = new Map<string, Host>();
  for (const { priority = 0, locality, loadBalancingWeight, lbEndpoints = [] } of assignment?.endpoints ?? []) {
    const place: Place = { priority, locality: localityName(locality), localityWeight: Number(loadBalancingWeight ?? 0) };
    for (const endpoint of lbEndpoints) {
      const socket = endpoint.endpoint?.address?.socketAddress;
      if (socket?.address === undefined || socket.portValue === undefined) continue;
      const address = hostAddress(socket.address, socket.portValue);
      const host = known.get(address) ?? new Host(socket.address, socket.portValue, endpoint, place, now);
      host.refresh(endpoint, place);
      hosts.set(address, host);
    }
  }
  return [...hosts.values()];
}

/** `region/zone/subzone`, as far as it is known. */
function localityName(locality: { readonly region?: string; readonly zone?: string; readonly subZone?: string } | undefined): string {
  const { region = '', zone = '', subZone = '' } = locality ?? {};
  return [region, zone, subZone].join('/').replace(/\/+$/, '');
}
