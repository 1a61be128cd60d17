import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Server, ServerCredentials, status, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { CsrRefused, type CertificateAuthority } from '../ca.ts';
import type { Log } from '../log.ts';
import type { Mesh } from '../mesh.ts';
import type { Proxies } from '../proxies.ts';
import type { PilotMetrics } from '../telemetry/pilot.ts';
import { deltaWire, sotwWire } from './ads-wire.ts';
import type { Codec } from './codec.ts';
import { serveDiscovery } from './discovery.ts';
import { callerOf, type Caller, type Refusal } from './identity.ts';
import { serveSecrets } from './secret-discovery.ts';
import { certificateService, discoveryService, secretService } from './services.ts';
import { defaultStreamLimits, paceStream, type ByteStream, type PacedStream, type StreamLimits, type StreamServer } from './stream.ts';

/** What the binary wire needs of the control plane. */
export interface GrpcServices {
  readonly mesh: Mesh;
  readonly proxies: Proxies;
  readonly authority: CertificateAuthority;
  readonly metrics: PilotMetrics;
  readonly log: Log;
  readonly now: () => number;
  readonly limits?: Partial<StreamLimits>;
}

/** The gRPC side of the control plane. */
export interface GrpcServer {
  /** Takes over a connection that speaks HTTP/2; a TLS socket has done its handshake. */
  take(socket: Socket, secure: boolean): void;
  /** Opens the plaintext port. */
  listen(host: string, port: number): Promise<number>;
  stop(): Promise<void>;
}

const codes = { unauthenticated: status.UNAUTHENTICATED, 'permission-denied': status.PERMISSION_DENIED, 'invalid-argument': status.INVALID_ARGUMENT } as const;
const maxConnections = 4096;
const options = {
  'grpc.max_receive_message_length': 4 * 1024 * 1024, 'grpc.max_send_message_length': -1, 'grpc.max_concurrent_streams': 100, 'grpc.enable_channelz': 0,
  'grpc.keepalive_time_ms': 30_000, 'grpc.keepalive_timeout_ms': 20_000, 'grpc.max_connection_idle_ms': 300_000,
};

/** ADS, SDS and CSR as gRPC, for clients that are not our sidecars: gRPC's own xDS clients and Envoy. Source: envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol. */
export function createGrpcServer(services: GrpcServices): GrpcServer {
  const { mesh, log } = services;
  const limits = { ...defaultStreamLimits, ...services.limits };
  const sockets = new Map<string, { readonly socket: Socket; readonly secure: boolean }>();
  const lost = new Set<string>();
  let loading: Promise<Codec> | undefined;
  // Most labs have no such client: the descriptors are read when the first one comes.
  const codec = (): Promise<Codec> => (loading ??= import('./codec.ts').then(({ createCodec }) => createCodec((resource, reason) => {
    if (lost.size < 1000 && !lost.has(resource)) log(`${resource} is not as Envoy’s API has it: ${reason}`);
    lost.add(resource);
  })));

  const connection = (call: { getPeer(): string }): { readonly socket: Socket; readonly secure: boolean } | undefined => sockets.get(call.getPeer());
  const caller = (call: Pick<ByteStream, 'getPeer' | 'metadata' | 'getAuthContext'>): Caller =>
    callerOf(connection(call)?.secure === true, call.getAuthContext().sslPeerCertificate, String(call.metadata.get('authorization')[0] ?? ''), mesh);

  /** Serves a stream once the codec is there; until then nothing is read. */
  function stream(call: ByteStream, serve: (codec: Codec, from: Caller, stream: PacedStream, refuse: (refusal: Refusal) => void) => StreamServer): void {
    codec().then((ready) => {
      if (call.cancelled) return;
      paceStream(call, limits, () => connection(call)?.socket.destroy(), (paced) => serve(ready, caller(call), paced, ({ refused, message }) => {
        log(`refused a gRPC stream from ${call.getPeer()}: ${message}`);
        paced.end(codes[refused], message);
      }));
    }, (error: unknown) => call.emit('error', { code: status.INTERNAL, details: String(error) }));
  }

  async function createCertificate(call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>): Promise<void> {
    const { identity, secure } = caller(call);
    if (!secure || identity === undefined) {
      reply({ code: status.UNAUTHENTICATED, details: 'Certificates are issued on the TLS port, to callers with a certificate of the mesh or a pod’s token.' });
      return;
    }
    const { csr } = (await codec()).readCertificateRequest(call.request);
    try {
      const { chain } = await services.authority.sign(csr, identity);
      services.metrics.issued();
      reply(null, (await codec()).certificateResponse([chain, services.authority.roots]));
    } catch (error) {
      if (!(error instanceof CsrRefused)) throw error;
      reply({ code: status.INVALID_ARGUMENT, details: error.message });
    }
  }

  const server = new Server(options);
  server.addService(discoveryService, {
    StreamAggregatedResources: (call: ByteStream) => { stream(call, (ready, from, paced, refuse) => serveDiscovery(sotwWire(ready), from, paced, refuse, services)); },
    DeltaAggregatedResources: (call: ByteStream) => { stream(call, (ready, from, paced, refuse) => serveDiscovery(deltaWire(ready), from, paced, refuse, services)); },
  });
  server.addService(secretService, {
    StreamSecrets: (call: ByteStream) => { stream(call, (ready, from, paced, refuse) => serveSecrets(sotwWire(ready), from, paced, refuse, services)); },
    DeltaSecrets: (call: ByteStream) => { stream(call, (ready, from, paced, refuse) => serveSecrets(deltaWire(ready), from, paced, refuse, services)); },
  });
  server.addService(certificateService, {
    CreateCertificate: (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) => {
      createCertificate(call, reply).catch((error: unknown) => {
        log(`a certificate request failed: ${String(error)}`);
        reply({ code: status.INVALID_ARGUMENT, details: 'The request does not read.' });
      });
    },
  });
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());

  function take(socket: Socket, secure: boolean): void {
    const { remoteAddress, remotePort } = socket;
    if (remoteAddress === undefined || remotePort === undefined) {
      socket.destroy();
      return;
    }
    const peer = remoteAddress.includes(':') ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
    sockets.set(peer, { socket, secure });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(peer));
    socket.setNoDelay(true);
    injector.injectConnection(socket);
  }

  const plain = createServer({ keepAlive: true, keepAliveInitialDelay: 15_000 }, (socket) => take(socket, false));
  plain.maxConnections = maxConnections;
  return {
    take,
    listen: (host, port) => new Promise((resolve, reject) => {
      plain.once('error', reject);
      plain.listen(port, host, () => resolve((plain.address() as AddressInfo).port));
    }),
    stop: async () => {
      const closed = new Promise<void>((resolve) => { if (plain.listening) plain.close(() => resolve()); else resolve(); });
      injector.destroy();
      server.forceShutdown();
      for (const { socket } of sockets.values()) socket.destroy();
      await closed;
    },
  };
}
