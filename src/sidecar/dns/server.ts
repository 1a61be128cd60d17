import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Server, type Socket } from 'node:net';
import type { NameTable } from '../../xds/index.ts';
import type { Clock } from '../hooks.ts';
import { listen } from '../listener/sockets.ts';
import type { Address } from '../link/index.ts';
import { judgeQuery, serverFailed, type SearchScope } from './answer.ts';

/** The sidecar's DNS: UDP and TCP on one port. */
export interface DnsServer {
  readonly port: number;
  close(): void;
}

export interface DnsSettings {
  readonly host: string;
  readonly port: number;
  readonly scope: SearchScope;
  /** The name table in force. */
  names(): NameTable;
  /** Who is asked for all other names: Docker's DNS. */
  readonly upstream: Address;
  readonly clock: Clock;
}

const answerMs = 4000;
const mostForwarded = 1000;
const tcpIdleMs = 10_000;

/** Answers names of the mesh and forwards the rest. */
export async function startDns(settings: DnsSettings): Promise<DnsServer> {
  const connections = new Set<Socket>();
  const { udp, tcp, port } = await bindBoth(settings, (socket) => { serveTcpQueries(socket, settings, connections); });
  const forwarding = { count: 0 };
  // A reply that cannot be sent (the asker has gone) is the asker's loss only.
  udp.on('error', () => undefined);
  udp.on('message', (query, from) => { serveUdpQuery(udp, query, from, settings, forwarding); });
  return {
    port,
    close() {
      udp.close();
      tcp.close();
      for (const socket of connections) socket.destroy();
    },
  };
}

function serveUdpQuery(udp: UdpSocket, query: Buffer, from: RemoteInfo, settings: DnsSettings, forwarding: { count: number }): void {
  const reply = (packet: Buffer): void => { udp.send(packet, from.port, from.address, () => undefined); };
  const verdict = judgeQuery(query, settings.names(), settings.scope);
  if (verdict.kind === 'answer') reply(verdict.packet);
  if (verdict.kind !== 'forward') return;
  if (forwarding.count >= mostForwarded) { reply(serverFailed(query)); return; }
  forwarding.count += 1;
  askUdp(query, settings, (packet) => { forwarding.count -= 1; reply(packet); });
}

/** How often another free port is tried when the one that UDP was given is taken on TCP. */
const portTries = 10;

/** Binds one port on UDP and TCP. With port 0 the system chooses for UDP alone, so TCP may find it taken: then another one is tried. */
async function bindBoth({ host, port: wanted }: Pick<DnsSettings, 'host' | 'port'>, serve: (socket: Socket) => void): Promise<{ readonly udp: UdpSocket; readonly tcp: Server; readonly port: number }> {
  for (let tries = 1; ; tries += 1) {
    const udp = createSocket('udp4');
    udp.bind(wanted, host);
    await once(udp, 'listening');
    const { port } = udp.address();
    try {
      return { udp, tcp: await listen({ host, port }, serve), port };
    } catch (error) {
      udp.close();
      if (wanted !== 0 || tries === portTries) throw error;
    }
  }
}

/** Asks the upstream from a socket of its own (a fresh port each: no answer can be guessed); SERVFAIL after a while. */
function askUdp(query: Buffer, { upstream, clock }: DnsSettings, done: (packet: Buffer) => void): void {
  const socket = createSocket('udp4');
  let settled = false;
  const finish = (packet: Buffer): void => {
    if (settled) return;
    settled = true;
    cancel();
    socket.close();
    done(packet);
  };
  const cancel = clock.after(answerMs, () => { finish(serverFailed(query)); });
  socket.on('error', () => { finish(serverFailed(query)); });
  socket.on('message', (packet) => { if (packet.length >= 12 && packet.readUInt16BE(0) === query.readUInt16BE(0)) finish(packet); });
  socket.connect(upstream.port, upstream.ip, () => { socket.send(query); });
}

/** Queries on TCP carry their length in front (RFC 1035, section 4.2.2) and are answered in order. */
function serveTcpQueries(socket: Socket, settings: DnsSettings, connections: Set<Socket>): void {
  let bytes = Buffer.alloc(0);
  let turn = Promise.resolve();
  connections.add(socket);
  socket.setTimeout(tcpIdleMs, () => { socket.destroy(); });
  socket.on('error', () => { socket.destroy(); });
  socket.on('close', () => { connections.delete(socket); });
  socket.on('end', () => { void turn.then(() => { socket.end(); }); });
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) {
      const query = bytes.subarray(2, 2 + bytes.readUInt16BE(0));
      bytes = bytes.subarray(2 + query.length);
      turn = turn.then(async () => {
        const packet = await answerTcp(query, settings);
        if (packet === undefined) socket.destroy();
        else if (!socket.destroyed) socket.write(framed(packet));
      });
    }
  });
  socket.resume();
}

async function answerTcp(query: Buffer, settings: DnsSettings): Promise<Buffer | undefined> {
  const verdict = judgeQuery(query, settings.names(), settings.scope);
  if (verdict.kind === 'answer') return verdict.packet;
  return verdict.kind === 'drop' ? undefined : await askTcp(query, settings);
}

function askTcp(query: Buffer, { upstream, clock }: DnsSettings): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = connect(upstream.port, upstream.ip);
    let bytes = Buffer.alloc(0);
    const finish = (packet: Buffer): void => { cancel(); socket.destroy(); resolve(packet); };
    const cancel = clock.after(answerMs, () => { finish(serverFailed(query)); });
    socket.on('error', () => { finish(serverFailed(query)); });
    socket.on('close', () => { finish(serverFailed(query)); });
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) finish(bytes.subarray(2, 2 + bytes.readUInt16BE(0)));
    });
    socket.write(framed(query));
  });
}

function framed(packet: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(packet.length);
  return Buffer.concat([length, packet]);
}
