import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { CollectorIntake } from './intake.ts';

/** A body is at most so long, packed and unpacked; bytes. */
const mostBytes = 4 * 1024 * 1024;
const protobuf = 'application/x-protobuf';

class BadRequest extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Serves OTLP over HTTP (`/v1/traces`, `/v1/logs`, `/v1/metrics`; JSON and protobuf) and Zipkin's `/api/v2/spans` on one port. Source: opentelemetry.io/docs/specs/otlp; zipkin.io/zipkin-api. */
export async function serveCollector(listen: { readonly host: string; readonly port: number }, intake: CollectorIntake): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const server = createServer({ requestTimeout: 15_000, headersTimeout: 10_000, maxHeaderSize: 16_384 }, (request, response) => {
    answer(request, response, intake).catch((error: unknown) => {
      // What has not been read of the request would stand in the way of the next.
      const status = error instanceof BadRequest ? error.status : 400;
      if (!response.headersSent) response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
      response.end(JSON.stringify({ message: error instanceof Error ? error.message : String(error) }));
    });
  });
  server.maxConnections = 256;
  await listening(server, listen);
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}

function listening(server: Server, { host, port }: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}

async function answer(request: IncomingMessage, response: ServerResponse, intake: CollectorIntake): Promise<void> {
  const path = request.url?.split('?')[0] ?? '';
  const known = ['/v1/traces', '/v1/logs', '/v1/metrics', '/api/v2/spans'].includes(path);
  if (!known) throw new BadRequest(404, `There is no ${path} here. OTLP has /v1/traces, Zipkin /api/v2/spans.`);
  if (request.method !== 'POST') throw new BadRequest(405, 'Spans are sent with POST.');
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
  const binary = type === protobuf && path !== '/api/v2/spans';
  if (!binary && type !== 'application/json') throw new BadRequest(415, `${type === '' ? 'A body without a type' : type} is not taken; send application/json or ${protobuf}.`);
  const bytes = await body(request);
  if (path === '/api/v2/spans') {
    intake.zipkin(JSON.parse(bytes.toString('utf8')));
    response.writeHead(202).end();
    return;
  }
  const said = intake.otlp(path.slice('/v1/'.length) as 'traces' | 'logs' | 'metrics', bytes, binary);
  response.writeHead(200, { 'content-type': binary ? protobuf : 'application/json' }).end(said);
}

async function body(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > mostBytes) throw new BadRequest(413, `A body has at most ${mostBytes} bytes.`);
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return bytes;
  if (encoding !== 'gzip') throw new BadRequest(415, `Content-Encoding ${encoding} is not taken; send gzip.`);
  return await promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip)(bytes, { maxOutputLength: mostBytes });
}
