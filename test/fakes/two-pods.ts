import { once } from 'node:events';
import { Agent, createServer, request, type Server } from 'node:http';
import { startLiveMesh, type LiveMesh } from './live-mesh.ts';
import { until } from './wait.ts';

/** A caller and a server with sidecars, mTLS STRICT between them, on the real control plane. */
export interface TwoPods {
  readonly mesh: LiveMesh;
  /** A request of the caller's application: its status, or the error's code. */
  get(): Promise<string>;
  /** Requests, on connections that are kept and on new ones, until `run` is done; what came back, counted. */
  underLoad(run: () => Promise<void>): Promise<Readonly<Record<string, number>>>;
  /** How many roots a pod trusts. */
  trusted(pod: 'caller' | 'server'): Promise<number>;
  /** The serial number of a pod's certificate. */
  serial(pod: 'caller' | 'server'): Promise<string>;
  close(): Promise<void>;
}

/** A secret of a proxy, as its admin page `/certs` shows it. */
interface Certs {
  readonly name: string;
  readonly caCert: readonly unknown[];
  readonly certChain: readonly { readonly serialNumber: string }[];
}

const service = JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'server', namespace: 'default' }, spec: { selector: { app: 'server' }, ports: [{ port: 80, targetPort: 9080, name: 'http' }] } });
const strict = JSON.stringify({ apiVersion: 'security.istio.io/v1', kind: 'PeerAuthentication', metadata: { name: 'default', namespace: 'istio-system' }, spec: { mtls: { mode: 'STRICT' } } });
/** Connections to the server are given up after a few requests, so that handshakes go on. */
const shortLived = JSON.stringify({ apiVersion: 'networking.istio.io/v1', kind: 'DestinationRule', metadata: { name: 'server', namespace: 'default' }, spec: { host: 'server', trafficPolicy: { connectionPool: { http: { maxRequestsPerConnection: 5 } } } } });

/** Starts both; they are ready when this resolves. `net` is the third byte of their loopback addresses, one for each test file. */
export async function startTwoPods(net: number): Promise<TwoPods> {
  const ip = (last: number): string => `127.${net}.0.${last}`;
  const app: Server = createServer((_request, response) => { response.end('hello'); }).listen(9080, ip(13));
  await once(app, 'listening');
  let virtualIp = '';
  const mesh = await startLiveMesh([
    { name: 'caller', type: 'sidecar', labels: { app: 'caller' }, ip: ip(2), target: () => ({ ip: virtualIp, port: 80 }) },
    { name: 'server', type: 'sidecar', labels: { app: 'server' }, ip: ip(3), ports: [9080], app: { ip: ip(13), port: 9080 } },
  ], [service, strict, shortLived]);
  virtualIp = (await mesh.lab.core.virtualIps())['default/server'] ?? '';
  const outbound = await mesh.port('caller', 15001);
  const ask = (host: string, port: number, path: string, agent: Agent | false): Promise<{ status: string; body: string }> => new Promise((resolve) => {
    const asked = request({ host, port, path, agent, headers: { host: 'server' } }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => { body += chunk.toString(); }).on('end', () => { resolve({ status: String(response.statusCode), body }); }).on('error', (error: NodeJS.ErrnoException) => { resolve({ status: error.code ?? 'broken', body }); });
    });
    asked.on('error', (error: NodeJS.ErrnoException) => { resolve({ status: error.code ?? error.message, body: '' }); });
    asked.end();
  });
  const certs = async (pod: 'caller' | 'server'): Promise<readonly Certs[]> => (JSON.parse((await ask(ip(pod === 'caller' ? 2 : 3), await mesh.port(pod, 15000), '/certs', false)).body) as { certificates: readonly Certs[] }).certificates;
  const get = async (): Promise<string> => (await ask(ip(2), outbound, '/', false)).status;
  await until('the first answer', async () => (await get()) === '200', 10_000);
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  return {
    mesh, get,
    trusted: async (pod) => (await certs(pod)).find(({ name }) => name === 'ROOTCA')?.caCert.length ?? 0,
    serial: async (pod) => (await certs(pod)).find(({ name }) => name === 'default')?.certChain[0]?.serialNumber ?? '',
    async underLoad(run) {
      const counts: Record<string, number> = {};
      let over = false;
      const loops = [agent, agent, false as const].map(async (by) => {
        while (!over) {
          const { status } = await ask(ip(2), outbound, '/', by);
          counts[status] = (counts[status] ?? 0) + 1;
        }
      });
      await run().finally(() => { over = true; });
      await Promise.all(loops);
      return counts;
    },
    async close() {
      agent.destroy();
      await mesh.close();
      app.closeAllConnections();
      app.close();
    },
  };
}
