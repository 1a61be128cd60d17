import type { NameTable } from '../xds/index.ts';
import { isWildcard, shortNames } from './hosts.ts';
import type { MeshService } from './model.ts';

type Entry = NameTable['table'][string];

/** The names that a proxy's DNS answers: services by all their names, headless ones with their pods' addresses, and the pods by name. */
export function nameTable(services: readonly MeshService[], namespace: string): NameTable {
  const table: Record<string, Entry> = {};
  const add = (name: string, entry: Entry): void => { if (entry.ips.length > 0 && table[name] === undefined) table[name] = entry; };
  for (const service of services.filter(({ host }) => !isWildcard(host))) {
    const names = [service.host, ...(service.registry === 'Kubernetes' ? shortNames(service.host, namespace) : [])];
    const entry = { ...described(service), ips: addressesOf(service) };
    for (const name of names) add(name, entry);
    if (!service.headless) continue;
    for (const { pod, address } of service.named) if (pod !== '') for (const name of names) add(`${pod}.${name}`, { ...described(service), ips: [address] });
  }
  return { table };
}

function described({ registry, name, namespace }: MeshService): Omit<Entry, 'ips'> {
  return registry === 'Kubernetes' ? { registry, shortname: name, namespace } : { registry };
}

function addressesOf(service: MeshService): readonly string[] {
  if (service.headless) return service.named.filter(({ address }) => isV4(address)).map(({ address }) => address);
  return service.addresses.filter(isV4);
}

function isV4(address: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(address);
}
