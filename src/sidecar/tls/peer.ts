import { createHash, type X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { subjectAltNames } from '../identity/extensions.ts';
import { verifySvid } from '../identity/spiffe.ts';
import type { TlsContext } from './context.ts';

/** What the peer of a TLS connection proved: its SPIFFE identity, else empty, and the certificate that it showed; or why it is refused. */
export type PeerVerdict = { readonly ok: true; readonly principal: string; readonly certificate?: X509Certificate } | { readonly ok: false; readonly reason: string };

/**
 * Judges the peer after the handshake, resumed or not: the chain up to a root (OpenSSL's verdict), then by ourselves what SPIFFE asks of a
 * leaf and the names that the config expects. `required` says whether a peer without a certificate is refused.
 */
export function judgePeer(socket: TLSSocket, context: TlsContext, trustDomain: string, required: boolean): PeerVerdict {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return required ? refused('the peer has no certificate') : { ok: true, principal: '' };
  if (context.validates) {
    const problem = chainProblem(socket);
    if (problem !== undefined) return refused(`the certificate is not valid: ${problem}`);
  }
  if (!pinned(context, certificate)) return refused('the certificate is none of those that are pinned');
  if (context.spiffe) return judgeWorkload(certificate, context, trustDomain);
  return expected(context, certificate.raw) ? { ok: true, principal: '', certificate } : refused('the certificate has none of the names that are expected');
}

function pinned({ pins }: TlsContext, certificate: X509Certificate): boolean {
  if (pins.certificates.size === 0 && pins.keys.size === 0) return true;
  const key = createHash('sha256').update(certificate.publicKey.export({ type: 'spki', format: 'der' })).digest('base64');
  return pins.certificates.has(certificate.fingerprint256.replaceAll(':', '').toLowerCase()) || pins.keys.has(key);
}

function judgeWorkload(certificate: X509Certificate, context: TlsContext, trustDomain: string): PeerVerdict {
  const verified = verifySvid(certificate.raw, [trustDomain, ...context.trustDomains]);
  if (!verified.ok) return verified;
  const { id } = verified.spiffe;
  if (context.names.length > 0 && !context.names.some(({ test }) => test(id))) return refused(`the peer is ${id}, which is not who is expected`);
  return { ok: true, principal: id, certificate };
}

function expected(context: TlsContext, certificate: Buffer): boolean {
  if (context.names.length === 0) return true;
  try {
    const names = subjectAltNames(certificate);
    return context.names.some(({ type, test }) => names.some((name) => (type === 'any' || type === name.type) && test(name.value)));
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/**
 * OpenSSL's verdict on the chain. Node publishes it (`authorized`) only on sockets that `tls.Server` or `tls.connect` made, so it is asked
 * where they ask it; a Node without that call is one where no peer is trusted.
 */
function chainProblem(socket: TLSSocket): string | undefined {
  const handle = (socket as unknown as { _handle?: { verifyError?: () => (Error & { code?: string }) | null | undefined } })._handle;
  if (typeof handle?.verifyError !== 'function') return 'this Node does not say whether it is';
  const error = handle.verifyError();
  return error === null || error === undefined ? undefined : error.code ?? error.message;
}

function refused(reason: string): PeerVerdict {
  return { ok: false, reason };
}
