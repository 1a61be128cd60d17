import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { DownstreamTlsContext } from '../../xds/index.ts';
import { ClientCertificate } from './client-certificate.ts';
import type { TlsContexts } from './context.ts';
import { judgePeer } from './peer.ts';

/** A downstream TLS connection whose peer has been judged. */
export interface AcceptedTls {
  readonly socket: TLSSocket;
  /** The verified SPIFFE identity; empty when the peer showed none. */
  readonly principal: string;
  /** What the peer showed, when it showed one. */
  readonly certificate?: ClientCertificate;
}

/** A handshake that failed; `reason` is for the record. */
export class TlsFailure extends Error {
  override readonly name = 'TlsFailure';
}

export interface AcceptOptions {
  readonly config: DownstreamTlsContext;
  readonly contexts: TlsContexts;
  readonly trustDomain: string;
  /** What the client offered in ALPN, from the TLS inspector. */
  readonly offered: readonly string[];
  readonly timeoutMs: number;
}

/**
 * Terminates TLS on a connection that is being read by nobody. As in Envoy the server's order decides ALPN, and no common protocol is no
 * failure. Rejects with a {@link TlsFailure}, the socket being destroyed then.
 */
export function acceptTls(socket: Socket, { config, contexts, trustDomain, offered, timeoutMs }: AcceptOptions): Promise<AcceptedTls> {
  return new Promise((resolve, reject) => {
    const context = contexts.get(config.commonTlsContext ?? {});
    const asks = context.validates || config.requireClientCertificate === true;
    const protocol = context.alpn.find((candidate) => offered.includes(candidate));
    const secured = new TLSSocket(socket, {
      isServer: true, secureContext: context.secure, requestCert: asks, rejectUnauthorized: false, ...(protocol === undefined ? {} : { ALPNProtocols: [protocol] }),
    });
    const fail = (reason: string): void => {
      clearTimeout(timer);
      secured.destroy();
      socket.destroy();
      reject(new TlsFailure(reason));
    };
    const timer = setTimeout(() => { fail('the handshake took too long'); }, timeoutMs);
    const onError = (error: Error & { code?: string }): void => { fail(error.code ?? error.message); };
    const onClose = (): void => { fail('the peer went away during the handshake'); };
    secured.on('error', onError);
    secured.on('close', onClose);
    secured.once('secure', () => {
      const verdict = judgePeer(secured, context, trustDomain, config.requireClientCertificate === true);
      if (!verdict.ok) { fail(verdict.reason); return; }
      clearTimeout(timer);
      secured.off('error', onError);
      secured.off('close', onClose);
      resolve({ socket: secured, principal: verdict.principal, ...(verdict.certificate === undefined ? {} : { certificate: new ClientCertificate(verdict.certificate) }) });
    });
  });
}
