import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { z } from 'zod';
import type { PodRegistration } from '../contract/index.ts';
import type { Channel } from '../rpc/index.ts';
import { lineChannel, type LineChannel } from '../rpc/lines.ts';
import type { CertificateAuthority, ServerCertificate } from './ca.ts';
import type { Log } from './log.ts';
import { proxyNode, type Mesh } from './mesh.ts';
import { patience } from './patience.ts';
import { sameToken } from './tokens.ts';

/** The name that proxies and core expect of the control plane's certificate, as in Istio. */
export const serverName = 'istiod.istio-system.svc';

/** Bounds of the server. Bytes and milliseconds. */
export interface ServerLimits {
  readonly maxLine: number;
  /** Before the peer has said who it is. */
  readonly maxFirstLine: number;
  readonly maxBuffered: number;
  readonly firstLineWithin: number;
  readonly maxStrangers: number;
  readonly maxConnections: number;
}

export const defaultServerLimits: ServerLimits = { maxLine: 16 * 1024 * 1024, maxFirstLine: 64 * 1024, maxBuffered: 64 * 1024 * 1024, firstLineWithin: 5000, maxStrangers: 256, maxConnections: 4096 };

/** Who may come in, and what becomes of them. */
export interface ServerOptions {
  readonly host: string;
  readonly port: number;
  readonly limits: ServerLimits;
  readonly authority: CertificateAuthority;
  readonly coreTokenHash: string;
  readonly mesh: Mesh;
  readonly log: Log;
  now(): number;
  /** Serve somebody who has proved who they are; both return what takes their lines. */
  proxy(pod: PodRegistration, channel: LineChannel): (line: string) => void;
  core(channel: Channel): void;
  /** Takes a connection that chose HTTP/2 in its handshake: gRPC. */
  grpc(socket: TLSSocket): void;
}

const firstLine = z.union([
  z.object({ hello: z.object({ node: z.string(), proxy: z.string(), token: z.string() }) }),
  z.object({ core: z.object({ token: z.string() }) }),
]);

const renewalCheck = 60_000;
/** The clock of a handshake runs on while the process is busy, so it has more to go. */
const handshakeFactor = 6;

/** The TLS 1.3 server of port 15012: lines of JSON, and gRPC for clients that ask for HTTP/2 by ALPN. Its certificate is renewed at half of its life, also after the machine has slept, and by `renew`. */
export async function serveControlPlane(options: ServerOptions): Promise<{ readonly port: number; renew(): void; stop(): Promise<void> }> {
  const { limits, authority, log } = options;
  let certificate = await authority.serve(serverName);
  let issuedAt = options.now();
  let strangers = 0;
  const sockets = new Set<TLSSocket>();
  // A client may show its certificate instead of a token; one that does not verify counts as none.
  const context = ({ chain, key }: ServerCertificate): TlsOptions => ({ minVersion: 'TLSv1.3', cert: chain, key, ca: authority.roots });
  const server = createServer({ ...context(certificate), requestCert: true, rejectUnauthorized: false, ALPNProtocols: ['h2'], handshakeTimeout: handshakeFactor * limits.firstLineWithin });
  server.maxConnections = limits.maxConnections;
  // A failed handshake is the client's own affair.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    if (socket.alpnProtocol === 'h2') {
      options.grpc(socket);
      return;
    }
    if (strangers >= limits.maxStrangers) {
      socket.destroy();
      return;
    }
    strangers++;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 15_000);
    greet(socket, options, () => strangers--);
  });
  const renew = (): void => {
    authority.serve(serverName).then((next) => {
      certificate = next;
      issuedAt = options.now();
      server.setSecureContext(context(next));
    }, (error: unknown) => log(`the server certificate could not be renewed: ${String(error)}`));
  };
  const renewal = setInterval(() => { if (options.now() >= issuedAt + (certificate.expires - issuedAt) / 2) renew(); }, renewalCheck);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    renew,
    stop: () => new Promise((resolve) => {
      clearInterval(renewal);
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    }),
  };
}

/** Waits for the first line; whoever does not say who they are in time, or is not let in, is cut off. */
function greet(socket: TLSSocket, options: ServerOptions, known: () => void): void {
  const { limits, log } = options;
  const channel = lineChannel(socket, { maxLine: limits.maxFirstLine, maxBuffered: limits.maxBuffered });
  const stopWaiting = patience(limits.firstLineWithin, () => socket.destroy());
  const met = once(() => {
    stopWaiting();
    known();
  });
  let take = (line: string): void => {
    met();
    take = () => undefined;
    const caller = readFirstLine(line);
    const admitted = caller === undefined ? 'the first line is neither hello nor core' : admit(caller, options);
    if (typeof admitted === 'string') {
      log(`refused a connection from ${socket.remoteAddress ?? '?'}: ${admitted}`);
      channel.send(JSON.stringify({ error: { code: 'refused', message: admitted } }));
      channel.close();
      return;
    }
    channel.setMaxLine(limits.maxLine);
    if (admitted.pod !== undefined) take = options.proxy(admitted.pod, channel);
    else options.core({ ...channel, onMessage: (listener) => { take = listener; } });
  };
  channel.onClose(met);
  channel.onMessage((line) => take(line));
}

/** Either who came in, or why not. */
function admit(caller: z.infer<typeof firstLine>, { coreTokenHash, mesh }: ServerOptions): string | { readonly pod: PodRegistration | undefined } {
  if ('core' in caller) return sameToken(caller.core.token, coreTokenHash) ? { pod: undefined } : 'the token of core is wrong';
  const { node, proxy, token } = caller.hello;
  const pod = mesh.pod(proxy);
  if (pod === undefined || pod.tokenHash === '') return `no proxy is registered as “${proxy.slice(0, 256)}”`;
  if (!sameToken(token, pod.tokenHash)) return `the token of ${proxy} is wrong`;
  const expected = proxyNode(pod, mesh.config.domainSuffix).id;
  return node === expected ? { pod } : `the node id of ${proxy} does not agree with its registration (expected ${expected})`;
}

function readFirstLine(line: string): z.infer<typeof firstLine> | undefined {
  try {
    return firstLine.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

function once(run: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    run();
  };
}
