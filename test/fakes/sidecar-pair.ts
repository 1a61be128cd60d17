import 'reflect-metadata';
import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { SidecarSettings } from '../../src/contract/index.ts';
import { createSystemClock } from '../../src/sidecar/config/system-clock.ts';
import type { Address } from '../../src/sidecar/link/index.ts';
import { startSidecar, type Sidecar } from '../../src/sidecar/main.ts';
import { makeCa, type FakeCa } from './ca.ts';
import { startFakeControlPlane, type FakeControlPlane } from './control-plane.ts';
import { calleeConfig, callerConfig } from './mesh.ts';
import { until } from './wait.ts';

/** The identity of a workload. */
export const id = (name: string): string => `spiffe://cluster.local/ns/default/sa/${name}`;

/** A real sidecar and what it printed. */
export interface Pod {
  readonly sidecar: Sidecar;
  readonly output: string[];
}

/** Two sidecars between real sockets: a client's and a server's, with a tap on the wire between them. */
export interface Pair {
  readonly plane: FakeControlPlane;
  readonly client: Pod;
  readonly server: Pod;
  readonly wire: { bytes: () => Buffer };
  readonly outbound: number;
  readonly inbound: number;
}

/** Starts sidecars against a control plane that does as it is told. */
export interface SidecarBench {
  readonly ca: FakeCa;
  pod(name: string, plane: FakeControlPlane, destination: () => Address, more?: Partial<SidecarSettings>): Promise<Pod>;
  /** An application that says what it was asked; its port. */
  httpServer(): Promise<number>;
  tcpServer(serve: (socket: Socket) => void): Promise<number>;
  pair(protocol: 'http' | 'tcp', mode: 'STRICT' | 'PERMISSIVE' | 'DISABLE', port: number, identity?: string, lifetimeMs?: number): Promise<Pair>;
  /** Runs when the test is over. */
  defer(close: () => Promise<unknown> | void): void;
  /** Ends all that was started, the last first. */
  close(): Promise<void>;
}

/** Makes a bench with an authority of its own. */
export async function sidecarBench(): Promise<SidecarBench> {
  const open: (() => Promise<unknown> | void)[] = [];
  const ca = await makeCa();
  const defer = (close: () => Promise<unknown> | void): void => { open.push(close); };

  async function pod(name: string, plane: FakeControlPlane, destination: () => Address, more: Partial<SidecarSettings> = {}): Promise<Pod> {
    const output: string[] = [];
    const settings: SidecarSettings = {
      node: `sidecar~127.0.0.1~${name}.default~default.svc.cluster.local`, proxy: `default/${name}`, type: 'sidecar', ip: '127.0.0.1', namespace: 'default', serviceAccount: name, workload: `${name}-v1`,
      labels: { app: name, version: 'v1' }, trustDomain: 'cluster.local', domainSuffix: 'cluster.local', controlPlane: { host: '127.0.0.1', port: plane.port }, token: 't', roots: ca.root, probes: [], recordsPerSecond: 1000, ...more,
    };
    const sidecar = await startSidecar(settings, {
      clock: createSystemClock(), random: Math.random, originalDestination: destination, resolve: () => Promise.resolve(['127.0.0.1']), dns: { ip: '127.0.0.1', port: 9 },
      bind: () => ({ host: '127.0.0.1', port: 0 }), probeSource: undefined, output: (text) => { output.push(text); },
    });
    defer(() => sidecar.stop(100));
    return { sidecar, output };
  }

  async function httpServer(): Promise<number> {
    const server = createHttp((request, response) => { response.end(`${request.method} ${request.url} ${request.headers['x-forwarded-client-cert'] ?? 'no xfcc'}`); }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    defer(() => { server.closeAllConnections(); server.close(); });
    return (server.address() as AddressInfo).port;
  }

  async function tcpServer(serve: (socket: Socket) => void): Promise<number> {
    const server = createServer({ allowHalfOpen: true }, (socket) => { socket.on('error', () => undefined); serve(socket); }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    defer(() => { server.close(); });
    return (server.address() as AddressInfo).port;
  }

  /** A wire tap in front of a port: passes bytes on and keeps the first of them. */
  async function tap(port: () => number): Promise<{ port: number; bytes: () => Buffer }> {
    const chunks: Buffer[] = [];
    const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
      const up = connect({ port: port(), host: '127.0.0.1', allowHalfOpen: true });
      for (const one of [socket, up]) one.on('error', () => { socket.destroy(); up.destroy(); });
      socket.on('data', (chunk: Buffer) => { chunks.push(chunk); });
      socket.pipe(up).pipe(socket);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    defer(() => { server.close(); });
    return { port: (server.address() as AddressInfo).port, bytes: () => Buffer.concat(chunks) };
  }

  async function pair(protocol: 'http' | 'tcp', mode: 'STRICT' | 'PERMISSIVE' | 'DISABLE', port: number, identity = id('server'), lifetimeMs?: number): Promise<Pair> {
    const plane = await startFakeControlPlane(ca, { 'default/client': id('client'), 'default/server': id('server') }, lifetimeMs);
    defer(() => plane.stop());
    const server = await pod('server', plane, () => ({ ip: '127.0.0.1', port }));
    const client = await pod('client', plane, () => ({ ip: '10.0.0.1', port: 80 }));
    plane.push('default/server', { ...calleeConfig(port, protocol, mode), secret: [] });
    const inbound = await until('the inbound listener', () => server.sidecar.port(15006));
    const wire = await tap(() => inbound);
    plane.push('default/client', { ...callerConfig({ host: 'server.default.svc.cluster.local', port: 80, protocol, endpoint: { ip: '127.0.0.1', port: wire.port }, identity, mtls: mode !== 'DISABLE' }), secret: [] });
    const outbound = await until('the outbound listener', () => client.sidecar.port(15001));
    await until('both to be ready', () => client.sidecar.ready && server.sidecar.ready);
    return { plane, client, server, wire, outbound, inbound };
  }

  return { ca, pod, httpServer, tcpServer, pair, defer, close: async () => { for (const close of open.splice(0).reverse()) await close(); } };
}

/** Says something to a port and reads until the end. */
export function talk(port: number, text: string, half = true): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    let said = '';
    socket.on('data', (chunk: Buffer) => { said += chunk.toString('latin1'); });
    socket.on('end', () => { socket.end(); });
    socket.on('error', (error: NodeJS.ErrnoException) => { said += `[${error.code}]`; });
    socket.on('close', () => { resolve(said); });
    if (half) socket.end(text);
    else socket.write(text);
  });
}

/** One GET of the service. */
export const get = (port: number, path = '/hello'): Promise<string> => talk(port, `GET ${path} HTTP/1.1\r\nhost: server:80\r\nconnection: close\r\n\r\n`, false);
