import type { Resource } from '../manifest/index.ts';

/** The services that need a virtual IP: `namespace/name` of a Service with a cluster IP or the name of a host outside (nobody else answers for that name in a lab), host of a ServiceEntry. Wildcard hosts have none. */
export function virtualIpKeys(resources: readonly Resource[]): readonly string[] {
  const keys = new Set<string>();
  for (const { kind, metadata, body } of resources) {
    const spec = (body['spec'] ?? {}) as { readonly clusterIP?: unknown; readonly type?: unknown; readonly hosts?: unknown };
    if (kind === 'Service' && spec.clusterIP !== 'None') keys.add(`${metadata.namespace}/${metadata.name}`);
    if (kind === 'ServiceEntry' && Array.isArray(spec.hosts)) {
      for (const host of spec.hosts) if (typeof host === 'string' && host !== '' && !host.includes('*')) keys.add(host);
    }
  }
  return [...keys];
}

/**
 * Gives each key an address of the range and keeps those given before. Addresses of keys that are gone stay theirs, so that a service that comes back has its
 * old one; they are given away only when the range is full. Keys beyond that get none. The first and the last address of the range are never given.
 */
export function allocateVirtualIps(given: Readonly<Record<string, string>>, keys: readonly string[], cidr: string): Readonly<Record<string, string>> {
  const range = parseCidr(cidr);
  if (range === undefined) return {};
  const { first, last } = range;
  const kept = Object.entries(given).filter(([, ip]) => {
    const value = toNumber(ip);
    return value !== undefined && value > first && value < last;
  });
  const result = new Map(kept);
  const used = new Set(result.values());
  const wanted = new Set(keys);
  let next = first + 1;
  for (const key of keys) {
    if (result.has(key)) continue;
    while (next < last && used.has(toIp(next))) next++;
    const ip = next < last ? toIp(next) : reclaim(result, wanted);
    if (ip === undefined) break;
    used.add(ip);
    result.set(key, ip);
  }
  return Object.fromEntries(result);
}

function reclaim(result: Map<string, string>, wanted: ReadonlySet<string>): string | undefined {
  for (const [key, ip] of result) {
    if (wanted.has(key)) continue;
    result.delete(key);
    return ip;
  }
  return undefined;
}

/** First and last address of an IPv4 range. */
function parseCidr(cidr: string): { readonly first: number; readonly last: number } | undefined {
  const [ip = '', bits] = cidr.split('/');
  const base = toNumber(ip);
  const prefix = Number(bits);
  if (base === undefined || bits === undefined || !Number.isInteger(prefix) || prefix < 8 || prefix > 30) return undefined;
  const size = 2 ** (32 - prefix);
  const first = Math.floor(base / size) * size;
  return { first, last: first + size - 1 };
}

function toNumber(ip: string): number | undefined {
  const parts = ip.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

function toIp(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}
