import { createHash } from 'node:crypto';
import { typeUrl, type ProxyConfig, type ResourceType, type SecretSet } from '../../xds/index.ts';

/** All resources of one type for one proxy, as they go on the wire. The version is a hash of the content: equal content, equal version, also after a restart. */
export interface TypeSet {
  readonly version: string;
  /** JSON by resource name, in the order in which compile gave them. */
  readonly resources: ReadonlyMap<string, string>;
}

/** Everything that one proxy is to run on. */
export type ConfigSet = Readonly<Record<ResourceType, TypeSet>>;

/** The order of pushes: what is referred to comes before what refers to it. */
export const pushOrder: readonly ResourceType[] = ['cluster', 'endpoint', 'listener', 'route', 'secret', 'names'];

/** Istio's short names, for messages. */
export const shortName: Readonly<Record<ResourceType, string>> = { cluster: 'CDS', endpoint: 'EDS', listener: 'LDS', route: 'RDS', secret: 'SDS', names: 'NDS' };

/** The resource type of a type URL. */
export function resourceType(url: string): ResourceType | undefined {
  return pushOrder.find((type) => typeUrl[type] === url);
}

/** Serialises resources; what compile shares between proxies is serialised once. */
export function createSerializer(): (config: ProxyConfig, secrets: SecretSet) => ConfigSet {
  const known = new WeakMap<object, string>();
  const json = (resource: object): string => {
    let text = known.get(resource);
    if (text === undefined) known.set(resource, text = JSON.stringify(resource));
    return text;
  };
  const set = <T extends object>(resources: readonly T[], name: (resource: T) => string | undefined): TypeSet =>
    typeSet(new Map(resources.map((resource) => [name(resource) ?? '', json(resource)])));
  return (config, secrets) => ({
    cluster: set(config.clusters, (cluster) => cluster.name),
    endpoint: set(config.endpoints, (assignment) => assignment.clusterName),
    listener: set(config.listeners, (listener) => listener.name),
    route: set(config.routes, (route) => route.name),
    secret: set(secrets, (secret) => secret.name),
    names: set([config.names], () => 'names'),
  });
}

/** Makes a set from JSON by name. */
export function typeSet(resources: ReadonlyMap<string, string>): TypeSet {
  const hash = createHash('sha256');
  for (const [name, text] of resources) hash.update(`${name}\n${text}\n`);
  return { version: hash.digest('hex').slice(0, 16), resources };
}

/** `next` and what only `held` has: nothing that may still be in use goes away. */
export function union(next: TypeSet, held: TypeSet | undefined): TypeSet {
  if (held === undefined || held === next) return next;
  const leftover = [...held.resources].filter(([name]) => !next.resources.has(name));
  return leftover.length === 0 ? next : typeSet(new Map([...next.resources, ...leftover]));
}
