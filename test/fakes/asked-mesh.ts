import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { RequestRecord } from '../../src/contract/index.ts';
import { startLiveMesh, type LiveMesh } from './live-mesh.ts';
import { until } from './wait.ts';

/** A caller and a server with sidecars on the real control plane; the server's application says which requests it got. */
export interface AskedMesh {
  readonly mesh: LiveMesh;
  /** Requests as they reached the application, heads and all. */
  readonly reached: string[];
  /** Says bytes as the caller's application, over mTLS, and reads one answer or to the end. */
  ask(text: string): Promise<string>;
  /** Says bytes to the server's pod from outside of the mesh, in plaintext. */
  plain(text: string): Promise<string>;
  /** The status of a request with this path and these header lines, and what the application saw of it. */
  status(path: string, headers?: string, how?: 'mesh' | 'plain'): Promise<string>;
  /** The newest record of the server's side that fits. */
  record(fits: (record: RequestRecord) => boolean): Promise<RequestRecord>;
  /** Replaces all policies. */
  policies(...texts: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

const service = JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'server', namespace: 'default' }, spec: { selector: { app: 'server' }, ports: [{ port: 80, targetPort: 9080, name: 'http' }] } });

/** Starts both; they are ready when this resolves. `net` is the third byte of their loopback addresses, one for each test file. */
export async function startAskedMesh(net: number, ...always: readonly string[]): Promise<AskedMesh> {
  const ip = (last: number): string => `127.${net}.0.${last}`;
  const reached: string[] = [];
  const app: Server = createServer((socket) => { answer(socket, reached); }).listen(9080, ip(13));
  await once(app, 'listening');
  let virtualIp = '';
  const mesh = await startLiveMesh([
    { name: 'caller', type: 'sidecar', labels: { app: 'caller' }, ip: ip(2), target: () => ({ ip: virtualIp, port: 80 }) },
    { name: 'server', type: 'sidecar', labels: { app: 'server' }, ip: ip(3), ports: [9080], app: { ip: ip(13), port: 9080 } },
  ], [service, ...always]);
  virtualIp = (await mesh.lab.core.virtualIps())['default/server'] ?? '';
  const outbound = await mesh.port('caller', 15001);
  const ask = (text: string): Promise<string> => say(ip(2), outbound, text);
  const plain = (text: string): Promise<string> => say(ip(3), 9080, text);
  await until('the first answer', async () => (await ask('GET / HTTP/1.1\r\nHost: server\r\n\r\n')).startsWith('HTTP/1.1 200'), 10_000);
  return {
    mesh, reached, ask, plain,
    status: async (path, headers = '', how = 'mesh') => (await (how === 'mesh' ? ask : plain)(`GET ${path} HTTP/1.1\r\n${/^host:/im.test(headers) ? '' : 'Host: server\r\n'}${headers}\r\n`)).slice(9, 12),
    record: (fits) => until('the record', async () => (await mesh.lab.core.records({ limit: 1000 })).findLast((record) => record.reporter === 'destination' && fits(record))),
    policies: (...texts) => mesh.apply(service, ...always, ...texts),
    async close() {
      await mesh.close();
      app.close();
    },
  };
}

/** Answers each request that has come whole; bodies are not looked at. */
function answer(socket: Socket, reached: string[]): void {
  let bytes = '';
  socket.on('error', () => undefined).on('data', (chunk: Buffer) => {
    bytes += chunk.toString('latin1');
    for (let end = bytes.indexOf('\r\n\r\n'); end >= 0; end = bytes.indexOf('\r\n\r\n')) {
      reached.push(bytes.slice(0, end + 4));
      bytes = bytes.slice(end + 4);
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    }
  });
}

/** Reads until every answer that was asked for has come, the connection ends, or two seconds without a byte. */
function say(host: string, port: number, text: string): Promise<string> {
  const wanted = text.split('\r\n\r\n').length - 1;
  return new Promise((resolve) => {
    const socket = connect({ host, port, noDelay: true });
    let said = '';
    const done = (): void => { clearTimeout(silence); socket.destroy(); resolve(said); };
    const silence = setTimeout(done, 2000);
    socket.on('error', done).on('end', done).on('data', (chunk: Buffer) => {
      said += chunk.toString('latin1');
      silence.refresh();
      const answers = [...said.matchAll(/HTTP\/1\.1 \d+[^]*?\r\n\r\n/g)];
      const last = answers.at(-1);
      const length = Number(/content-length: (\d+)/i.exec(last?.[0] ?? '')?.[1] ?? 0);
      if (last !== undefined && answers.length >= wanted && said.length >= last.index + last[0].length + length) done();
    });
    socket.write(text, 'latin1');
  });
}
