import { gatewayGroup, isKind, ofKind, type LabelSelector, type Resource, type TypedResource } from '../../manifest/index.ts';

/** What is wrong, in the words of the Gateway API's conditions. */
export interface Problem {
  readonly reason: string;
  readonly message: string;
}

/** An object that another one refers to. */
export interface Reference {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** The resources that conversion looks things up in, indexed once. */
export interface References {
  readonly domainSuffix: string;
  service(namespace: string, name: string): TypedResource<'Service'> | undefined;
  serviceEntry(namespace: string, name: string): TypedResource<'ServiceEntry'> | undefined;
  secret(namespace: string, name: string): TypedResource<'Secret'> | undefined;
  configMap(namespace: string, name: string): TypedResource<'ConfigMap'> | undefined;
  /** Labels of a namespace; those that Kubernetes sets itself included. */
  namespaceLabels(name: string): Readonly<Record<string, string>>;
  /** Whether a resource of one namespace may refer to one of another. In its own namespace everything may. */
  granted(from: Omit<Reference, 'name'>, to: Reference): boolean;
  /** Which of Istio's classes a gateway class is; `undefined` for a class of somebody else. */
  gatewayClass(name: string): 'gateway' | 'remote' | 'waypoint' | undefined;
}

const controllers = { 'istio.io/gateway-controller': 'gateway', 'istio.io/unmanaged-gateway': 'remote', 'istio.io/mesh-controller': 'waypoint' } as const;
const builtIn = { istio: 'gateway', 'istio-remote': 'remote', 'istio-waypoint': 'waypoint' } as const;

/** Indexes resources. Classes that Istio makes itself are there without being written. */
export function references(resources: readonly Resource[], domainSuffix: string): References {
  const byName = new Map<string, Resource>();
  for (const resource of resources) for (const kind of looked) if (isKind(resource, kind)) byName.set(`${kind} ${resource.metadata.namespace}/${resource.metadata.name}`, resource);
  const grants = ofKind(resources, 'ReferenceGrant');
  return {
    domainSuffix,
    service: (namespace, name) => byName.get(`Service ${namespace}/${name}`) as TypedResource<'Service'> | undefined,
    serviceEntry: (namespace, name) => byName.get(`ServiceEntry ${namespace}/${name}`) as TypedResource<'ServiceEntry'> | undefined,
    secret: (namespace, name) => byName.get(`Secret ${namespace}/${name}`) as TypedResource<'Secret'> | undefined,
    configMap: (namespace, name) => byName.get(`ConfigMap ${namespace}/${name}`) as TypedResource<'ConfigMap'> | undefined,
    namespaceLabels: (name) => ({ ...byName.get(`Namespace /${name}`)?.metadata.labels, 'kubernetes.io/metadata.name': name }),
    granted: (from, to) => from.namespace === to.namespace || grants.some(({ spec, metadata }) => metadata.namespace === to.namespace
      && spec.from.some((entry) => entry.group === from.group && entry.kind === from.kind && entry.namespace === from.namespace)
      && spec.to.some((entry) => entry.group === to.group && entry.kind === to.kind && (entry.name === '' || entry.name === to.name))),
    gatewayClass: (name) => {
      const written = byName.get(`GatewayClass /${name}`) as TypedResource<'GatewayClass'> | undefined;
      return written === undefined ? builtIn[name as keyof typeof builtIn] : controllers[written.spec.controllerName as keyof typeof controllers];
    },
  };
}

const looked = ['Service', 'ServiceEntry', 'Secret', 'ConfigMap', 'Namespace', 'GatewayClass'] as const;

/** Whether labels fit a selector; an absent selector fits nothing. Source: Kubernetes, LabelSelector. */
export function fits(selector: LabelSelector | undefined, labels: Readonly<Record<string, string>>): boolean {
  if (selector === undefined) return false;
  return Object.entries(selector.matchLabels).every(([name, value]) => labels[name] === value) && selector.matchExpressions.every(({ key, operator, values }) => {
    const value = labels[key];
    switch (operator) {
      case 'In': return value !== undefined && values.includes(value);
      case 'NotIn': return value === undefined || !values.includes(value);
      case 'Exists': return value !== undefined;
      case 'DoesNotExist': return value === undefined;
      default: return false;
    }
  });
}

/** A name for messages: `Secret infra/certificate`. */
export function referenceName({ kind, namespace, name }: Reference): string {
  return `${kind} ${namespace}/${name}`;
}

/** A reference with the referrer's namespace where it names none. */
export function inNamespaceOf({ metadata }: Resource, { group, kind, namespace, name }: Reference): Reference {
  return { group, kind, name, namespace: namespace === '' ? metadata.namespace : namespace };
}

/** The Gateway API's own group, and the core's, by the names in references. */
export const groups = { gateway: gatewayGroup, core: '', istio: 'networking.istio.io' } as const;
