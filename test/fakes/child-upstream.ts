import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** What a server in a process of its own does with requests: answer; break the connection off, or close it, by turns. */
export type Temper = 'steady' | 'flapping' | 'churning';

/** How it is spoken to. */
export type Hop = 'HTTP/1.1' | 'HTTP/2' | 'HTTP/2 over mTLS';

/** PEM. */
export interface HopTls {
  readonly key: string;
  readonly certificate: string;
  readonly root: string;
}

/** A server in a process of its own, which can be stopped and killed as a whole. */
export interface ChildUpstream {
  readonly port: number;
  /** `x-id` of each POST that it was sent, as often as it was. */
  readonly posts: readonly string[];
  /** The kernel goes on to take connections and bytes; nobody answers. */
  freeze(): void;
  thaw(): void;
  kill(): void;
}

/** Twenty requests of forty are broken off when it flaps; when it churns, every connection ends after a few requests, once with notice and once without. */
const script = `
const { HOP, TEMPER, KEY, CERTIFICATE, ROOT } = process.env;
let count = 0;
const end = (connection, gently) => { gently && connection.close !== undefined ? connection.close() : connection.destroy(); };
const serve = (request, response) => {
  const turn = count++;
  const connection = request.stream?.session ?? request.socket;
  if (request.method === 'POST') process.send({ post: request.headers['x-id'] });
  request.on('error', () => undefined);
  response.on('error', () => undefined);
  if (TEMPER === 'flapping' && turn % 40 < 20) { end(connection, false); return; }
  if (request.url === '/large') { response.end(Buffer.alloc(1 << 19)); return; }
  request.resume().on('end', () => {
    const closes = TEMPER === 'churning' && turn % 3 === 2;
    if (closes && HOP === 'HTTP/1.1' && turn % 2 === 0) response.setHeader('connection', 'close');
    response.setHeader('content-length', 2);
    response.end('ok', () => { if (closes) setTimeout(end, 2, connection, turn % 2 === 0); });
  });
};
const server = HOP === 'HTTP/1.1' ? require('node:http').createServer(serve) : HOP === 'HTTP/2' ? require('node:http2').createServer({ maxSessionMemory: 1000 }, serve)
  : require('node:http2').createSecureServer({ maxSessionMemory: 1000, key: KEY, cert: CERTIFICATE, ca: ROOT, requestCert: true, rejectUnauthorized: true }, serve);
server.on('sessionError', () => undefined);
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
process.on('disconnect', () => process.exit());
`;

/** Starts one. */
export async function childUpstream(hop: Hop, temper: Temper = 'steady', tls?: HopTls): Promise<ChildUpstream> {
  const child = spawn(process.execPath, ['-e', script], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'], env: { HOP: hop, TEMPER: temper, KEY: tls?.key, CERTIFICATE: tls?.certificate, ROOT: tls?.root },
  });
  const posts: string[] = [];
  child.on('message', (message: { readonly post?: string }) => { if (message.post !== undefined) posts.push(message.post); });
  const [{ port }] = await once(child, 'message') as [{ readonly port: number }];
  return { port, posts, freeze: () => { child.kill('SIGSTOP'); }, thaw: () => { child.kill('SIGCONT'); }, kill: () => { child.kill('SIGKILL'); } };
}
