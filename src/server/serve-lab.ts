import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LabFailure, toLabError, type Lab, type LabApi } from '../contract/index.ts';
import { serveLabApi } from '../rpc/index.ts';
import { securityHeaders } from '../util/content-security.ts';
import { readJson } from './body.ts';
import { callMethod } from './call.ts';
import { createGuard, type Guard } from './guard.ts';
import { readStatic } from './static-files.ts';
import { acceptChannels } from './web-socket.ts';

/** What a server of the lab needs. It reads nothing else: no environment, no files but the renderer's. */
export interface ServeOptions {
  readonly lab: Lab;
  /** The built renderer: `dist/renderer`. */
  readonly rendererDir: string;
  /** 0 or absent: any free port. Always on 127.0.0.1. */
  readonly port?: number;
  /** For tests; by default 256 random bits, new at each launch. */
  readonly token?: string;
}

/** A running server. `url` carries the token in its fragment, which browsers never send. */
export interface LabServer {
  readonly url: string;
  readonly port: number;
  readonly token: string;
  close(): Promise<void>;
}

/** Manifests of a large lab in one message fit; nothing more. */
const maxMessage = 32 * 1024 * 1024;

/**
 * Serves the window's UI and the LabApi on 127.0.0.1: static files at `/`, the RPC as a WebSocket at `/api`, and single calls as
 * `POST /api/<method>` for scripts. Only a holder of the token gets past the files. Fails with `port-taken`.
 */
export async function serveLab(options: ServeOptions): Promise<LabServer> {
  const token = options.token ?? randomBytes(32).toString('base64url');
  const server = createServer({ headersTimeout: 10_000, requestTimeout: 30_000, maxHeaderSize: 16 * 1024 });
  await listen(server, options.port ?? 0);
  const { port } = server.address() as AddressInfo;
  const guard = createGuard(port, token);
  const headers = securityHeaders([`ws://127.0.0.1:${port}`, `ws://localhost:${port}`]);
  const channels = acceptChannels({ server, guard, attach: (channel) => serveLabApi(options.lab, channel), maxMessage });
  server.on('request', (request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    answer(request, response, { api: options.lab, rendererDir: options.rendererDir, guard }).catch((error: unknown) => fail(response, error));
  });
  const close = async (): Promise<void> => {
    channels.close();
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { url: `http://127.0.0.1:${port}/#token=${token}`, port, token, close };
}

async function listen(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(cause.code === 'EADDRINUSE' || cause.code === 'EACCES'
        ? new LabFailure('port-taken', `Port ${port} on 127.0.0.1 cannot be used (${cause.code}).`, { help: 'Choose another one, or 0 for any free port.', cause })
        : cause);
    });
    server.listen({ host: '127.0.0.1', port, exclusive: true }, resolve);
  });
}

interface Context {
  readonly api: LabApi;
  readonly rendererDir: string;
  readonly guard: Guard;
}

async function answer(request: IncomingMessage, response: ServerResponse, context: Context): Promise<void> {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  if (path.startsWith('/api/')) return answerCall(request, response, context);
  const refusal = context.guard.request(request.headers);
  if (refusal !== undefined) return send(response, 403, { refused: refusal });
  if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, { refused: 'method' });
  const file = await readStatic(context.rendererDir, path);
  if (file === undefined) return send(response, 404, { refused: 'not-found' });
  response.writeHead(200, { 'content-type': file.type, 'content-length': file.body.length, 'cache-control': file.cache });
  response.end(request.method === 'HEAD' ? undefined : file.body);
}

async function answerCall(request: IncomingMessage, response: ServerResponse, { api, guard }: Context): Promise<void> {
  // A preflight, a navigation or a form never gets further than this, whatever its headers say.
  if (request.method !== 'POST') return send(response, 405, { refused: 'method' });
  const refusal = guard.call(request.headers);
  if (refusal !== undefined) return send(response, refusal === 'token' ? 401 : refusal === 'content-type' ? 415 : 403, { refused: refusal });
  const name = (request.url ?? '').slice('/api/'.length);
  const { status, body } = await callMethod(api, name, await readJson(request, maxMessage));
  send(response, status, body);
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  // A refused body is not read to its end: the connection cannot be used again.
  const close = status >= 400 ? { connection: 'close' } : {};
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(text), 'cache-control': 'no-store', ...close });
  response.end(text);
}

function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy();
  send(response, error instanceof LabFailure ? 400 : 500, { error: toLabError(error) });
}
