import type { Body, Place } from './documents.ts';

/** A host as written in a resource of `namespace`, fully qualified: short names are services of that namespace. */
export function fullHost(host: string, namespace: string, domain = 'cluster.local'): string {
  if (host === '*' || host.startsWith('*.')) return host;
  const parts = host.split('.');
  if (parts.length === 1) return `${host}.${namespace}.svc.${domain}`;
  if (parts.length === 2) return `${host}.svc.${domain}`;
  if (parts.length === 3 && parts[2] === 'svc') return `${host}.${domain}`;
  return host;
}

/** The namespace of a resource. */
export function namespaceOf(body: Body): string {
  return body.metadata?.namespace ?? 'default';
}

/** The VirtualService that routes HTTP to a host for the workloads of the mesh, if one is written: the oldest wins. */
export function virtualServiceFor(all: readonly Place[], host: string): Place | undefined {
  return all.find(({ body }) => {
    if (body.kind !== 'VirtualService' || !isRecordArray(body.spec?.['http'])) return false;
    const gateways = body.spec['gateways'];
    if (Array.isArray(gateways) && gateways.length > 0 && !gateways.includes('mesh')) return false;
    return strings(body.spec['hosts']).some((candidate) => fullHost(candidate, namespaceOf(body)) === host);
  });
}

/** The DestinationRule of a host, if one is written. */
export function destinationRuleFor(all: readonly Place[], host: string): Place | undefined {
  return all.find(({ body }) => body.kind === 'DestinationRule' && typeof body.spec?.['host'] === 'string' && fullHost(body.spec['host'], namespaceOf(body)) === host);
}

export function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

export function isRecordArray(value: unknown): value is readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'object' && item !== null);
}
