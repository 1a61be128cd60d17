import type { Peer } from '../../contract/index.ts';
import type { Headers } from '../http1/index.ts';

/** Headers by which sidecars tell each other who they are, over mTLS only. */
export const peerHeader = 'x-envoy-peer-metadata';
/** The short form: Istio's node id. */
export const peerIdHeader = 'x-envoy-peer-metadata-id';

/** Says over mTLS that a request which rides as HTTP/2 is of a caller who spoke HTTP/1.1. */
export const protocolHeader = 'x-weft-protocol';

/** A peer that is not known: outside of the mesh, or not told. */
export function unknownPeer(ip: string, principal = ''): Peer {
  const { namespace } = identityOf(principal);
  return { pod: '', workload: principal === '' ? '' : identityOf(principal).serviceAccount, namespace, app: '', version: '', principal, ip };
}

/** What this proxy says of itself. */
export function encodePeer({ pod, workload, namespace, app, version }: Peer): string {
  return Buffer.from(JSON.stringify({ pod, workload, namespace, app, version }), 'utf8').toString('base64');
}

/** Takes the caller's description out of the headers, whatever it is worth. */
export function takePeerHeaders(headers: Headers): string | undefined {
  const told = headers.get(peerHeader);
  if (told !== undefined) headers.delete(peerHeader);
  if (headers.has(peerIdHeader)) headers.delete(peerIdHeader);
  return told;
}

/** Believes a description only as far as the verified identity goes: the namespace must be the certificate's. */
export function decodePeer(told: string | undefined, ip: string, principal: string): Peer {
  if (told === undefined || principal === '' || told.length > 4096) return unknownPeer(ip, principal);
  const fields = parse(told);
  const text = (name: string): string => (typeof fields[name] === 'string' ? fields[name] : '');
  if (text('namespace') !== identityOf(principal).namespace) return unknownPeer(ip, principal);
  return { pod: text('pod'), workload: text('workload'), namespace: text('namespace'), app: text('app'), version: text('version'), principal, ip };
}

function parse(told: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(told, 'base64').toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    // Not ours; a peer without a description is a peer all the same.
    return {};
  }
}

/** `spiffe://trust/ns/NAMESPACE/sa/ACCOUNT`. */
function identityOf(principal: string): { readonly namespace: string; readonly serviceAccount: string } {
  const match = /\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(principal);
  return { namespace: match?.[1] ?? '', serviceAccount: match?.[2] ?? '' };
}
