import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { durationMs } from '../config/duration.ts';
import { socketLink } from '../link/index.ts';
import type { Connector, UpstreamCluster, UpstreamConnection, UpstreamHost } from '../runtime.ts';
import type { UpstreamTlsContext } from '../../xds/index.ts';
import type { TlsContext, TlsContexts } from './context.ts';
import { judgePeer } from './peer.ts';
import { upstreamTls } from '../../features/mtls/transport.ts';

/** A connection that could not be made. `code` is the system's or TLS' word for it, `ETIMEDOUT`, or `EPEER` for a peer who is not who was expected. */
export class ConnectFailure extends Error {
  override readonly name = 'ConnectFailure';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export interface ConnectorSettings {
  readonly contexts: TlsContexts;
  readonly trustDomain: string;
  /** What is spoken on the connections, so that the far side picks its HTTP or its TCP filter chain by ALPN, as between Istio's sidecars. */
  readonly speaks: 'http' | 'tcp';
}

interface Offer extends ConnectorSettings {
  readonly http2: boolean;
}

const meshAlpn = { http2: ['istio-h2', 'istio-http/1.1', 'istio', 'h2', 'http/1.1'], http: ['istio-http/1.1', 'istio', 'http/1.1'], tcp: ['istio-peer-exchange', 'istio'] } as const;

/** Opens connections to hosts: plaintext, mTLS of the mesh or TLS origination, as the cluster and the endpoint's metadata say. */
export function createConnector(settings: ConnectorSettings): Connector {
  return { connect: (cluster, host, signal, http2 = false) => connect({ ...settings, http2 }, cluster, host, signal) };
}

async function connect(settings: Offer, cluster: UpstreamCluster, host: UpstreamHost, signal: AbortSignal): Promise<UpstreamConnection> {
  const tls = upstreamTls(cluster.config, host.endpoint);
  const deadline = Date.now() + durationMs(cluster.config.connectTimeout, 5000);
  const socket = await openTcp(cluster, host, signal, deadline);
  if (tls === undefined) return { link: socketLink(socket), mtls: false, principal: '' };
  const secured = await secure(settings, socket, tls, signal, deadline);
  const { alpnProtocol } = secured.socket;
  return { link: socketLink(secured.socket), mtls: secured.principal !== '', principal: secured.principal, ...(typeof alpnProtocol === 'string' ? { alpn: alpnProtocol } : {}) };
}

function openTcp(cluster: UpstreamCluster, host: UpstreamHost, signal: AbortSignal, deadline: number): Promise<Socket> {
  const localAddress = cluster.config.upstreamBindConfig?.sourceAddress?.address;
  const socket = connectTcp({
    host: host.ip, port: host.port, noDelay: true, allowHalfOpen: true,
    ...(localAddress === undefined || localAddress === '' || localAddress === '0.0.0.0' ? {} : { localAddress }),
  });
  return established(socket, 'connect', signal, deadline, () => {
    const keepalive = cluster.config.upstreamConnectionOptions?.tcpKeepalive;
    // Node sets the time before the first probe; number and pace of the probes stay the system's.
    if (keepalive !== undefined) socket.setKeepAlive(true, Number(keepalive.keepaliveTime ?? 7200) * 1000);
    return socket;
  });
}

/** Waits for `event`, an error, the deadline or the caller's going away; the socket is destroyed unless `take` made something of it. */
function established<T>(socket: Socket, event: string, signal: AbortSignal, deadline: number, take: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.off('error', onError);
      socket.off('close', onClose);
    };
    const fail = (error: Error): void => {
      settle();
      socket.on('error', ignore);
      socket.destroy();
      reject(error);
    };
    const onError = (error: Error & { code?: string }): void => { fail(new ConnectFailure(error.code ?? 'ECONNRESET', error.message)); };
    const onClose = (): void => { fail(new ConnectFailure('ECONNRESET', 'the host closed the connection')); };
    const onAbort = (): void => { fail(new ConnectFailure('ECANCELED', 'nobody waits for the connection any more')); };
    const timer = setTimeout(() => { fail(new ConnectFailure('ETIMEDOUT', 'the connect timeout passed')); }, Math.max(0, deadline - Date.now()));
    socket.on('error', onError);
    socket.on('close', onClose);
    if (signal.aborted) { onAbort(); return; }
    signal.addEventListener('abort', onAbort);
    socket.once(event, () => {
      try {
        const made = take();
        settle();
        resolve(made);
      } catch (error) {
        fail(error as Error);
      }
    });
  });
}

async function secure(settings: Offer, socket: Socket, config: UpstreamTlsContext, signal: AbortSignal, deadline: number): Promise<{ socket: TLSSocket; principal: string }> {
  const context = contextOf(settings, socket, config);
  const alpn = offered(settings, context);
  // Chain, identity and names are judged by ourselves, also for a resumed session: `judgePeer`.
  const secured = connectTls({
    socket, secureContext: context.secure, rejectUnauthorized: false, checkServerIdentity: () => undefined,
    ...(config.sni === undefined || config.sni === '' ? {} : { servername: config.sni }), ...(alpn.length === 0 ? {} : { ALPNProtocols: [...alpn] }),
  });
  return established(secured, 'secureConnect', signal, deadline, () => {
    const verdict = judgePeer(secured, context, settings.trustDomain, true);
    if (!verdict.ok) throw new ConnectFailure('EPEER', verdict.reason);
    return { socket: secured, principal: verdict.principal };
  });
}

/** Between sidecars ALPN says what is spoken; elsewhere it is the cluster's to say, HTTP/2 only where it will be spoken. */
function offered({ speaks, http2 }: Offer, { spiffe, alpn }: TlsContext): readonly string[] {
  if (spiffe) return meshAlpn[http2 ? 'http2' : speaks];
  const others = alpn.filter((protocol) => protocol !== 'h2');
  return http2 ? ['h2', ...others] : others;
}

function contextOf(settings: ConnectorSettings, socket: Socket, config: UpstreamTlsContext): ReturnType<TlsContexts['get']> {
  try {
    return settings.contexts.get(config.commonTlsContext ?? {});
  } catch (error) {
    socket.on('error', ignore);
    socket.destroy();
    throw new ConnectFailure('ESECRET', error instanceof Error ? error.message : String(error));
  }
}

/** A destroyed socket may still report why; that has been said already. */
function ignore(): void { /* nothing left to do */ }
