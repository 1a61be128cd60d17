import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A small HTTP server for Prometheus; reachable inside the lab's network only, nothing is published. */
export async function serveMetrics(listen: { readonly host: string; readonly port: number }, text: () => Promise<string>): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const server = createServer({ requestTimeout: 5000, headersTimeout: 5000, maxHeaderSize: 8192 }, (request, response) => {
    const path = request.url?.split('?')[0];
    if (request.method !== 'GET' || (path !== '/metrics' && path !== '/ready')) {
      response.writeHead(404).end();
      return;
    }
    if (path === '/ready') {
      response.writeHead(200).end('ready\n');
      return;
    }
    text().then(
      (body) => response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(body),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  server.maxConnections = 64;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen.port, listen.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}
