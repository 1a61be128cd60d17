import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server as NetServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';

/** What a stand-in runs with. */
export interface StandInContext {
  /** The container's `args`. */
  readonly args: readonly string[];
  /** The container's environment, as its manifest has it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly hostname: string;
  log(line: string): void;
  /** Where to listen for a port of the original; another one in tests. */
  listenPort(port: number): number;
}

/** A stand-in that runs. */
export interface Running {
  /** Port of the original → port that is listened on. */
  readonly ports: ReadonlyMap<number, number>;
  /** Ends connections at once. */
  stop(): Promise<void>;
}

/** A request with its body read. */
export interface Request {
  readonly method: string;
  /** Without the query; not decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Path and query as they came. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  /** Header lines as they came. */
  readonly rawHeaders: readonly (readonly [string, string])[];
  readonly body: Buffer;
  readonly remote: string;
  readonly proto: string;
  /** Port that was listened on. */
  readonly port: number;
  readonly secure: boolean;
  /** What was agreed on, over TLS. */
  readonly tls?: SpokenTls;
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal;
}

/** What both sides of a TLS connection agreed on. */
export interface SpokenTls {
  readonly version: string;
  /** The name that was asked for; empty for none. */
  readonly serverName: string;
  readonly negotiatedProtocol: string;
  readonly cipherSuite: string;
  /** The caller's certificate, PEM; empty for none. */
  readonly peerCertificate: string;
}

/** The certificate of a server. */
export interface ServerCertificate {
  readonly cert: string;
  readonly key: string;
  /** Callers have to show a certificate of these authorities. */
  readonly clientCa?: string;
}

/** A response; a generator's parts are sent as they come. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer | AsyncIterable<string | Buffer>;
}

export type Handler = (request: Request) => Reply | Promise<Reply>;

const maxBody = 10 * 1024 * 1024;

/** Takes a connection over whose caller asks for another protocol. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Answers HTTP on a port of the original. Requests are logged, one line each; a handler that throws is a 500. Without `upgrade`, callers who ask for another protocol are answered in HTTP. */
export function serveHttp(context: StandInContext, port: number, handler: Handler, tls?: ServerCertificate, upgrade?: UpgradeHandler): Promise<Running> {
  const listener = (incoming: IncomingMessage, response: ServerResponse): void => {
    const started = performance.now();
    answer(incoming, response, handler, { port, secure: tls !== undefined }).then(
      (status) => context.log(`${incoming.socket.remoteAddress ?? '-'} "${incoming.method ?? ''} ${incoming.url ?? ''} HTTP/${incoming.httpVersion}" ${status} ${(performance.now() - started).toFixed(1)}ms "${incoming.headers['user-agent'] ?? '-'}"`),
      (error: unknown) => {
        context.log(`${incoming.method ?? ''} ${incoming.url ?? ''} failed: ${error instanceof Error ? error.stack ?? error.message : String(error)}`);
        if (response.headersSent) response.destroy();
        else response.writeHead(500).end('Internal Server Error\n');
      },
    );
  };
  const server: Server = tls === undefined ? createServer(listener) : createTlsServer({ cert: tls.cert, key: tls.key, ...(tls.clientCa === undefined ? {} : { ca: tls.clientCa, requestCert: true }) }, listener);
  if (upgrade !== undefined) server.on('upgrade', upgrade);
  // As long as Envoy keeps upstream connections, so that it is the proxy that closes them.
  server.keepAliveTimeout = 3_700_000;
  server.headersTimeout = 60_000;
  server.requestTimeout = 0;
  return listen(context, port, server, () => server.closeAllConnections());
}

/** Listens on a port of the original with any server. */
export async function listen(context: StandInContext, port: number, server: NetServer, closeConnections: () => void): Promise<Running> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(context.listenPort(port), resolve);
  });
  context.log(`listening on ${port}`);
  return {
    ports: new Map([[port, (server.address() as AddressInfo).port]]),
    stop: () => new Promise((resolve) => {
      server.close(() => resolve());
      closeConnections();
    }),
  };
}

/** Several servers as one; when one cannot start, those that did are stopped. */
export async function together(starting: readonly Promise<Running>[]): Promise<Running> {
  const settled = await Promise.allSettled(starting);
  const running = settled.filter((result) => result.status === 'fulfilled').map(({ value }) => value);
  const stop = async (): Promise<void> => { await Promise.all(running.map((one) => one.stop())); };
  const failed = settled.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  return { ports: new Map(running.flatMap(({ ports }) => [...ports])), stop };
}

/** A JSON response. */
export function json(status: number, value: unknown, indent?: number): Reply {
  return { status, headers: { 'content-type': 'application/json' }, body: `${JSON.stringify(value, null, indent)}${indent === undefined ? '' : '\n'}` };
}

/** A plain-text response. */
export function text(status: number, body: string): Reply {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
}

/** Waits, or rejects when the caller has gone. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new Error('the caller has gone'));
    }, { once: true });
  });
}

async function answer(incoming: IncomingMessage, response: ServerResponse, handler: Handler, where: { readonly port: number; readonly secure: boolean }): Promise<number> {
  const gone = new AbortController();
  response.once('close', () => { if (!response.writableEnded) gone.abort(); });
  const body = await readBody(incoming);
  const reply = body === undefined ? text(413, 'Payload Too Large\n') : await handler(readRequest(incoming, body, where, gone.signal));
  response.statusCode = reply.status;
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, typeof value === 'string' ? value : [...value]);
  const content = reply.body ?? '';
  if (typeof content === 'string' || Buffer.isBuffer(content)) {
    if (reply.status >= 200 && reply.status !== 204 && reply.status !== 304) response.setHeader('content-length', Buffer.byteLength(content));
    response.end(content);
    return reply.status;
  }
  for await (const part of content) {
    if (gone.signal.aborted) break;
    if (!response.write(part)) await new Promise<void>((resolve) => { response.once('drain', resolve).once('close', resolve); });
  }
  response.end();
  return reply.status;
}

function readRequest(incoming: IncomingMessage, body: Buffer, where: { readonly port: number; readonly secure: boolean }, signal: AbortSignal): Request {
  const target = incoming.url ?? '/';
  const [path = '/', ...query] = target.split('?');
  const rawHeaders: [string, string][] = [];
  for (let i = 0; i + 1 < incoming.rawHeaders.length; i += 2) rawHeaders.push([incoming.rawHeaders[i] ?? '', incoming.rawHeaders[i + 1] ?? '']);
  return {
    method: incoming.method ?? 'GET', path, target, query: new URLSearchParams(query.join('?')), headers: incoming.headers, rawHeaders, body, signal,
    ...(incoming.socket instanceof TLSSocket ? { tls: spokenTls(incoming.socket) } : {}),
    remote: (incoming.socket.remoteAddress ?? '').replace(/^::ffff:/, ''), proto: `HTTP/${incoming.httpVersion}`, ...where,
  };
}

function spokenTls(socket: TLSSocket): SpokenTls {
  // What the caller asked for, which Node tells on servers only without a type.
  const { servername } = socket as { readonly servername?: string | false };
  return {
    version: socket.getProtocol() ?? '', serverName: typeof servername === 'string' ? servername : '', negotiatedProtocol: typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : '',
    cipherSuite: socket.getCipher().standardName, peerCertificate: socket.getPeerX509Certificate()?.toString() ?? '',
  };
}

async function readBody(incoming: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBody) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
