import type { Server } from 'node:net';
import type { Clock, HttpResponse } from '../hooks.ts';
import { Headers, Http1Server, ReadyBody, type RequestLine } from '../http1/index.ts';
import { socketLink } from '../link/index.ts';
import { listen } from '../listener/sockets.ts';

/** What a page says. */
export interface Page {
  readonly status?: number;
  readonly type?: string;
  readonly body: string;
}

/** Pages by path; made when asked for. */
export type Pages = Readonly<Record<string, () => Page>>;

const limits = { headTimeout: 10_000, idleTimeout: 60_000, bodyIdleTimeout: 5000, maxBody: 1024 };

/** Serves pages by GET on our own codec. Resolves when it listens. */
export async function servePages(where: { readonly host: string; readonly port: number }, pages: Pages, clock: Clock): Promise<Server> {
  return await listen(where, (socket) => {
    const server = new Http1Server(socketLink(socket), {
      open: (head) => ({ response: Promise.resolve(answer(head, pages)), aborted: () => undefined, sent: () => undefined, broken: () => undefined }),
      invalid: () => undefined,
    }, limits, clock);
    server.start();
  });
}

function answer({ method, path }: RequestLine, pages: Pages): HttpResponse {
  const name = path.split('?', 1)[0] ?? '';
  const page = Object.hasOwn(pages, name) ? pages[name] : undefined;
  if (page === undefined) return response({ status: 404, body: 'invalid path. admin commands are:\n' + Object.keys(pages).map((known) => `  ${known}\n`).join('') });
  return method === 'GET' || method === 'HEAD' ? response(page()) : response({ status: 405, body: 'only GET\n' });
}

function response({ status = 200, type = 'text/plain; charset=UTF-8', body }: Page): HttpResponse {
  const headers = new Headers();
  headers.set('content-type', type);
  headers.set('cache-control', 'no-cache, max-age=0');
  headers.set('x-content-type-options', 'nosniff');
  return { status, headers, body: new ReadyBody(Buffer.from(body)) };
}
