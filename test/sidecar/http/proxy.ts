import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { RequestRecord } from '../../../src/contract/index.ts';
import { prepareRoutes } from '../../../src/routing/index.ts';
import { serveHttp, type HttpConnection } from '../../../src/sidecar/http/index.ts';
import { socketLink } from '../../../src/sidecar/link/index.ts';
import type { Clock } from '../../../src/sidecar/hooks.ts';
import type { Connector, HttpConnectionContext, Runtime, UpstreamCluster } from '../../../src/sidecar/runtime.ts';
import { createCluster } from '../../../src/sidecar/upstream/index.ts';
import type { Cluster, HttpConnectionManager, Route, VirtualHost } from '../../../src/xds/index.ts';

/** A clock of the machine. */
export const realClock = {
  now: () => performance.timeOrigin + performance.now(),
  after: (milliseconds: number, run: () => void) => {
    const timer = setTimeout(run, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** Connects in plain text. */
export const plainConnector: Connector = {
  connect: (_cluster, host, signal) => new Promise((resolve, reject) => {
    const socket = connect({ host: host.ip, port: host.port });
    const abort = (): void => { socket.destroy(); reject(new Error('aborted')); };
    signal.addEventListener('abort', abort);
    socket.once('error', reject);
    socket.once('connect', () => {
      signal.removeEventListener('abort', abort);
      socket.off('error', reject);
      resolve({ link: socketLink(socket), mtls: false, principal: '' });
    });
  }),
};

/** A sidecar's HTTP path between real sockets. */
export interface TestProxy {
  readonly port: number;
  readonly records: RequestRecord[];
  readonly clusters: ReadonlyMap<string, UpstreamCluster>;
  readonly downstream: Runtime['downstream'];
  /** Resolves with the first record that fits, now or later. */
  record(fits?: (record: RequestRecord) => boolean): Promise<RequestRecord>;
  /** Tells all connections to end. */
  drain(): void;
  close(): Promise<void>;
}

export interface TestProxyOptions {
  /** Routes of the virtual host `*`; by default everything goes to cluster `up`. */
  readonly routes?: readonly Route[];
  readonly virtualHost?: Partial<VirtualHost>;
  /** Clusters by name: ports of hosts, or a whole config. */
  readonly clusters?: Readonly<Record<string, readonly number[] | Cluster>>;
  readonly manager?: HttpConnectionManager;
  readonly context?: Partial<HttpConnectionContext>;
  readonly connector?: Connector;
  readonly random?: () => number;
  readonly clock?: Clock;
  readonly rateLimits?: Runtime['rateLimits'];
  /** The route table has been taken away. */
  readonly routesGone?: () => boolean;
}

/** Starts one. */
export async function startProxy(options: TestProxyOptions = {}): Promise<TestProxy> {
  const records: RequestRecord[] = [];
  const waiting = new Set<() => void>();
  const connector = options.connector ?? plainConnector;
  const random = options.random ?? Math.random;
  const clock = options.clock ?? realClock;
  const clusters = new Map(Object.entries(options.clusters ?? {}).map(([name, config]) => [name, createCluster(clusterConfig(name, config), undefined, { connector, clock, random })]));
  const routes = [...(options.routes ?? [{ match: { prefix: '/' }, route: { cluster: 'up', timeout: '0s' } }])];
  const table = prepareRoutes({ name: 'test', virtualHosts: [{ name: 'all', domains: ['*'], ...options.virtualHost, routes }] });
  const runtime: Runtime = {
    routeTable: (name) => (name === 'test' && options.routesGone?.() !== true ? table : undefined),
    cluster: (name) => clusters.get(name),
    connector,
    telemetry: { wanted: () => true, reserve: () => true, request: (record) => { records.push(record); for (const wake of waiting) wake(); } },
    rateLimits: options.rateLimits ?? (() => Promise.resolve(undefined)),
    clock,
    random,
    self: { pod: 'default/test', workload: 'test', namespace: 'default', app: 'test', version: 'v1', principal: 'spiffe://cluster.local/ns/default/sa/test', ip: '127.0.0.1' },
    environment: { POD_NAMESPACE: 'default' }, derived: new WeakMap(), downstream: new Map(), peerAt: (ip, principal) => ({ pod: '', workload: '', namespace: '', app: '', version: '', principal, ip }),
  };
  const sockets = new Set<Socket>();
  const connections = new Set<HttpConnection>();
  const manager: HttpConnectionManager = { rds: { routeConfigName: 'test' }, tracing: {}, ...options.manager };
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    sockets.add(socket);
    connections.add(serveHttp(socketLink(socket), {
      runtime, manager, listener: 'test', listenerOrigin: undefined, filterChain: 'default', direction: 'outbound', edge: false, scheme: 'http', sourceIp: '127.0.0.1',
      sourcePrincipal: '', originalDestination: '10.0.0.1:80', ...options.context,
    }));
  });
  const port = await listen(server);
  return {
    port, records, clusters, downstream: runtime.downstream,
    record: (fits = () => true) => new Promise((resolve) => {
      const look = (): void => {
        const found = records.find(fits);
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    }),
    drain: () => { for (const connection of connections) connection.drain(); },
    close: async () => {
      for (const cluster of clusters.values()) cluster.close();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function clusterConfig(name: string, config: readonly number[] | Cluster): Cluster {
  if (!Array.isArray(config)) return config as Cluster;
  return { name, type: 'STATIC', connectTimeout: '1s', loadAssignment: { clusterName: name, endpoints: [{ lbEndpoints: (config as number[]).map((portValue) => ({ endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue } } } })) }] } };
}

/** Listens on a free port of the loopback. */
export function listen(server: Server): Promise<number> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));
}

/** An upstream that records what it is sent and answers as told, on raw sockets. */
export interface RawUpstream {
  readonly port: number;
  /** All bytes, per connection. */
  readonly received: string[];
  close(): Promise<void>;
}

/** Starts one: `answer` is called with all that a connection has brought, whenever more comes. */
export async function startUpstream(answer: (received: string, socket: Socket, connection: number) => void): Promise<RawUpstream> {
  const received: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const index = received.push('') - 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      received[index] = (received[index] as string) + chunk.toString('latin1');
      answer(received[index] as string, socket, index);
    });
  });
  const port = await listen(server);
  return { port, received, close: () => new Promise((resolve) => { for (const socket of sockets) socket.destroy(); server.close(() => resolve()); }) };
}

/** An upstream that answers each complete request (by its empty line, or by `Content-Length`) with one response. */
export function startEcho(respond: (request: string, count: number) => string): Promise<RawUpstream> {
  const answered = new Map<Socket, number>();
  let count = 0;
  return startUpstream((received, socket) => {
    let from = answered.get(socket) ?? 0;
    for (;;) {
      const end = received.indexOf('\r\n\r\n', from);
      if (end < 0) break;
      const head = received.slice(from, end + 4);
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      let bodyEnd = end + 4 + length;
      if (/transfer-encoding: chunked/i.test(head)) {
        const last = received.indexOf('0\r\n\r\n', end + 4);
        if (last < 0) break;
        bodyEnd = last + 5;
      }
      if (received.length < bodyEnd) break;
      const request = received.slice(from, bodyEnd);
      from = bodyEnd;
      answered.set(socket, from);
      socket.write(respond(request, count++), 'latin1');
    }
  });
}

/** Sends bytes and collects the answer until `done` says so, or the connection ends. */
export function exchange(port: number, pieces: readonly string[], done: (answer: string) => boolean = () => false): Promise<{ readonly answer: string; readonly closed: boolean }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let answer = '';
    const finish = (closed: boolean): void => { socket.destroy(); resolve({ answer, closed }); };
    socket.on('error', (error: NodeJS.ErrnoException) => { if (error.code === 'ECONNREFUSED') reject(error); else finish(true); });
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
      if (done(answer)) finish(false);
    });
    socket.on('end', () => finish(true));
    const next = (index: number): void => {
      const piece = pieces[index];
      if (piece === undefined || socket.destroyed) return;
      socket.write(piece, 'latin1', () => setImmediate(next, index + 1));
    };
    next(0);
  });
}

/** True when one response has come whole, by its `content-length`. */
export function oneResponse(answer: string): boolean {
  const end = answer.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = /content-length: (\d+)/i.exec(answer.slice(0, end));
  return length !== null && answer.length >= end + 4 + Number(length[1]);
}
