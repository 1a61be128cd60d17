import type { ParentReference, Resource } from '../../manifest/index.ts';
import { bySpecificity, hostIsIn, intersectHosts } from '../hosts.ts';
import { isProgrammed, type ApiListener } from './listeners.ts';
import { fits, groups, type Problem, type References } from './references.ts';

/** A route on a listener, with the hosts that it serves there. */
export interface Attachment {
  readonly listener: ApiListener;
  readonly hosts: readonly string[];
}

/** Where a route attaches by one of its parent references; `refused` says why nowhere. */
export interface GatewayAttachments {
  readonly attachments: readonly Attachment[];
  readonly refused?: Problem;
}

/** The namespaces of a listener's `allowedRoutes`. */
function allowsNamespace({ gateway, listener }: ApiListener, namespace: string, found: References): boolean {
  const { from, selector } = listener.allowedRoutes.namespaces;
  if (from === 'All') return true;
  return from === 'Same' ? namespace === gateway.metadata.namespace : fits(selector, found.namespaceLabels(namespace));
}

/** Attaches a route to the listeners of one gateway. `hostnames` is undefined for kinds without host names. Source: gateway-api.sigs.k8s.io, ParentReference. */
export function attach(route: Resource, parent: ParentReference, hostnames: readonly string[] | undefined, listeners: readonly ApiListener[], found: References): GatewayAttachments {
  const named = listeners.filter(({ listener }) => (parent.sectionName === '' || listener.name === parent.sectionName) && (parent.port === undefined || listener.port === parent.port));
  if (named.length === 0) return { attachments: [], refused: { reason: 'NoMatchingParent', message: `The Gateway has no listener${parent.sectionName === '' ? '' : ` ${parent.sectionName}`}${parent.port === undefined ? '' : ` on port ${parent.port}`}.` } };
  const allowed = named.filter((listener) => listener.kinds.some(({ kind, group }) => kind === route.kind && group === groups.gateway) && allowsNamespace(listener, route.metadata.namespace, found));
  if (allowed.length === 0) return { attachments: [], refused: { reason: 'NotAllowedByListeners', message: `No listener takes a ${route.kind} of namespace ${route.metadata.namespace}.` } };
  const attachments = allowed.flatMap((listener) => {
    const hosts = hostsOn(listener, hostnames);
    return hosts.length === 0 ? [] : [{ listener, hosts }];
  });
  return attachments.length > 0 ? { attachments } : { attachments, refused: { reason: 'NoMatchingListenerHostname', message: `None of the hostnames is one of the listener’s (${allowed.map(({ listener }) => listener.hostname || '*').join(', ')}).` } };
}

function hostsOn({ listener }: ApiListener, hostnames: readonly string[] | undefined): readonly string[] {
  const own = listener.hostname === '' ? '*' : listener.hostname.toLowerCase();
  return hostnames === undefined || hostnames.length === 0 ? [own] : intersectHosts(hostnames.map((name) => name.toLowerCase()), [own]);
}

/**
 * The hosts of an attachment that really reach its listener: a request belongs to the listener of its port with the most specific host,
 * so hosts that a more specific listener has are not served by this one. Source: gateway-api.sigs.k8s.io, Listener, "listener isolation".
 */
export function isolated({ listener, hosts }: Attachment, siblings: readonly ApiListener[]): readonly string[] {
  const own = hostOf(listener);
  const closer = siblings.filter((other) => other !== listener && isProgrammed(other) && other.listener.port === listener.listener.port).map(hostOf).filter((host) => host !== own && bySpecificity(host, own) < 0);
  return hosts.filter((host) => !closer.some((other) => hostIsIn(host, other)));
}

function hostOf({ listener }: ApiListener): string {
  return listener.hostname === '' ? '*' : listener.hostname.toLowerCase();
}
