import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { createServer, type TLSSocket } from 'node:tls';
import type { FromControlPlane, FromProxy, TelemetryBatch } from '../../src/contract/index.ts';
import { typeUrl, type DiscoveryRequest, type ResourceType } from '../../src/xds/index.ts';
import type { FakeCa } from './ca.ts';
import { until } from './wait.ts';

/** The resources of one proxy, by type. */
export type Resources = Partial<Record<ResourceType, readonly unknown[]>>;

/** What one proxy has said. */
export interface SeenProxy {
  readonly requests: DiscoveryRequest[];
  readonly readiness: { readonly ready: boolean; readonly message?: string }[];
  readonly telemetry: TelemetryBatch[];
  csrs: number;
  connections: number;
}

/** A control plane for tests: speaks the wire, signs every request for the identity it is told, pushes what it is told. */
export interface FakeControlPlane {
  readonly port: number;
  /** Sets what a proxy (`namespace/pod`) gets, and pushes it in the order of make before break. */
  push(proxy: string, resources: Resources): void;
  send(proxy: string, message: FromControlPlane): void;
  seen(proxy: string): SeenProxy;
  /** Cuts all connections and stops listening; `start` listens again on the same port. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

const order: readonly ResourceType[] = ['cluster', 'endpoint', 'listener', 'route', 'secret', 'names'];

/** Starts one. `identities` maps a proxy to its SPIFFE ID; `lifetimeMs` is how long certificates live. */
export async function startFakeControlPlane(ca: FakeCa, identities: Readonly<Record<string, string>>, lifetimeMs = 3_600_000): Promise<FakeControlPlane> {
  const own = await ca.issue({ dns: ['istiod.istio-system.svc'], extendedKeyUsage: ['serverAuth'] });
  const seen = new Map<string, SeenProxy>();
  const resources = new Map<string, Resources>();
  const sockets = new Map<string, TLSSocket>();
  const all = new Set<TLSSocket>();
  let version = 0;

  const of = (proxy: string): SeenProxy => {
    const known = seen.get(proxy) ?? { requests: [], readiness: [], telemetry: [], csrs: 0, connections: 0 };
    seen.set(proxy, known);
    return known;
  };
  const send = (proxy: string, message: FromControlPlane): void => { sockets.get(proxy)?.write(`${JSON.stringify(message)}\n`); };
  const respond = (proxy: string, type: ResourceType): void => {
    const set = resources.get(proxy)?.[type];
    if (set !== undefined) send(proxy, { response: { typeUrl: typeUrl[type], versionInfo: `v${version}`, nonce: `${type}-${version}`, resources: set } });
  };
  const received = async (proxy: string, message: FromProxy): Promise<void> => {
    const known = of(proxy);
    if ('request' in message) {
      known.requests.push(message.request);
      const type = order.find((candidate) => typeUrl[candidate] === message.request.typeUrl);
      if (type !== undefined && message.request.responseNonce === '' && message.request.versionInfo !== `v${version}`) respond(proxy, type);
    } else if ('readiness' in message) known.readiness.push(message.readiness);
    else if ('telemetry' in message) known.telemetry.push(message.telemetry);
    else if ('csr' in message) {
      known.csrs += 1;
      const chain = await ca.sign(message.csr.pem, identities[proxy] ?? '', new Date(Date.now() + lifetimeMs));
      send(proxy, { certificate: { id: message.csr.id, chain, roots: ca.root } });
    }
  };
  const server = createServer({ cert: own.certificate, key: own.key, minVersion: 'TLSv1.3' }, (socket) => {
    let proxy: string | undefined;
    all.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => all.delete(socket));
    createInterface({ input: socket }).on('line', (line) => {
      const message = JSON.parse(line) as FromProxy;
      if ('hello' in message) {
        proxy = message.hello.proxy;
        sockets.set(proxy, socket);
        of(proxy).connections += 1;
      } else if (proxy !== undefined) void received(proxy, message);
    }).on('error', () => undefined);
  });
  const start = async (port: number): Promise<number> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const port = await start(0);
  return {
    port, send, seen: of,
    push(proxy, set) {
      version += 1;
      resources.set(proxy, { ...resources.get(proxy), ...set });
      for (const type of order) if (set[type] !== undefined) respond(proxy, type);
    },
    async stop() {
      for (const socket of all) socket.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
    // Meanwhile another socket of the machine may have got the port; it goes again.
    start: () => until('the port to be free', () => start(port).then(() => true, (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') return false;
      throw error;
    }), 10_000).then(() => undefined),
  };
}
