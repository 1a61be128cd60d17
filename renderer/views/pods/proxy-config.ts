/** A place in a manifest that a piece of config says it comes from. */
export interface ConfigOrigin {
  readonly file: string;
  readonly line: number;
}

type Json = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as readonly unknown[]) : []);
const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** The name of an Envoy resource: of a listener, route, cluster, secret, or the cluster of its endpoints. */
export function titleOf(resource: unknown): string {
  if (!isObject(resource)) return '?';
  return text(resource['name']) ?? text(resource['clusterName']) ?? '?';
}

/** One line that says what is in it. */
export function summaryOf(resource: unknown): string {
  if (!isObject(resource)) return '';
  if (Array.isArray(resource['filterChains'])) return count(resource['filterChains'].length, 'filter chain');
  if (Array.isArray(resource['virtualHosts'])) return `${count(resource['virtualHosts'].length, 'virtual host')}, ${count(list(resource['virtualHosts']).reduce<number>((sum, host) => sum + list(isObject(host) ? host['routes'] : undefined).length, 0), 'route')}`;
  if (Array.isArray(resource['endpoints'])) return count(list(resource['endpoints']).reduce<number>((sum, locality) => sum + list(isObject(locality) ? locality['lbEndpoints'] : undefined).length, 0), 'endpoint');
  return [text(resource['type']), text(resource['lbPolicy'])].filter(word => word !== undefined).join(', ');
}

/** The line of YAML that a resource comes from, when it says so. */
export function originOf(resource: unknown): ConfigOrigin | undefined {
  const metadata = isObject(resource) && isObject(resource['metadata']) ? resource['metadata']['filterMetadata'] : undefined;
  const origin = isObject(metadata) ? metadata['dev.weft'] : undefined;
  return isObject(origin) && typeof origin['file'] === 'string' && typeof origin['line'] === 'number' ? { file: origin['file'], line: origin['line'] } : undefined;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
