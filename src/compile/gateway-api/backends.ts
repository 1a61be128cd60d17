import type { BackendReference, Resource } from '../../manifest/index.ts';
import { groups, referenceName, type Problem, type References } from './references.ts';

/** A backend that was found, or why it was not. */
export type Backend =
  | { readonly kind: 'found'; readonly host: string; readonly port: number }
  | { readonly kind: 'missing'; readonly problem: Problem };

/** A host that no service has: its cluster is never there, so requests that are sent to it fail. */
export const nowhere = { host: 'backend.invalid', port: 0 } as const;

/** Looks a backend up. `grants` says whether one in another namespace needs a ReferenceGrant: gateways do, callers in the mesh do not. */
export function resolveBackend(route: Resource, reference: BackendReference, found: References, grants: boolean): Backend {
  const { group, kind, name, port } = reference;
  const namespace = reference.namespace === '' ? route.metadata.namespace : reference.namespace;
  const target = { group, kind, namespace, name };
  const missing = (reason: string, message: string): Backend => ({ kind: 'missing', problem: { reason, message } });
  if (group === groups.istio && kind === 'Hostname') return port === undefined ? missing('UnsupportedValue', `Hostname ${name} needs a port.`) : { kind: 'found', host: name.toLowerCase(), port };
  if (group !== groups.core || kind !== 'Service') return missing('InvalidKind', `A backend has to be a Service, not ${kind}${group === '' ? '' : ` (${group})`}.`);
  if (grants && !found.granted({ group: groups.gateway, kind: route.kind, namespace: route.metadata.namespace }, target)) return missing('RefNotPermitted', `No ReferenceGrant lets ${route.kind}s of ${route.metadata.namespace} use ${referenceName(target)}.`);
  const service = found.service(namespace, name);
  if (service === undefined) return missing('BackendNotFound', `There is no ${referenceName(target)}.`);
  if (port === undefined) return missing('UnsupportedValue', `${referenceName(target)} needs a port.`);
  if (!service.spec.ports.some((candidate) => candidate.port === port)) return missing('BackendNotFound', `${referenceName(target)} has no port ${port}.`);
  return { kind: 'found', host: `${name}.${namespace}.svc.${found.domainSuffix}`, port };
}
