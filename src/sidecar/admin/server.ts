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

/** Pages by path; made when asked for, with what stands behind the question mark. */
export type Pages = Readonly<Record<string, (query: URLSearchParams) => Page>>;

const limits = { headTimeout: 10_000, idleTimeout: 60_000, bodyIdleTimeout: 5000, maxBody: 1024 };

/** Serves pages by GET, and `actions`, which change something, by POST only. Resolves when it listens. */
export async function servePages(where: { readonly host: string; readonly port: number }, pages: Pages, clock: Clock, actions: Pages = {}): Promise<Server> {
  return await listen(where, (socket) => {
    const server = new Http1Server(socketLink(socket), {
      open: (head) => ({ response: Promise.resolve(answer(head, pages, actions)), finalize: (given) => given, aborted: () => undefined, sent: () => undefined, broken: () => undefined }),
      invalid: () => undefined,
    }, limits, clock);
    server.start();
  });
}

function answer({ method, path }: RequestLine, pages: Pages, actions: Pages): HttpResponse {
  const [name = '', query = ''] = path.split('?', 2);
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  const page = Object.hasOwn(pages, name) ? pages[name] : undefined;
  if (action !== undefined) return method === 'POST' ? response(action(new URLSearchParams(query))) : response({ status: 405, body: `Method ${method} not allowed, POST required.` });
  if (page !== undefined) return method === 'GET' || method === 'HEAD' ? response(page(new URLSearchParams(query))) : response({ status: 405, body: `Method ${method} not allowed, GET required.` });
  const known = [...Object.keys(pages), ...Object.keys(actions).map((one) => `${one} (POST)`)].sort();
  return response({ status: name === '/' || name === '/help' ? 200 : 404, body: `${name === '/' || name === '/help' ? '' : 'invalid path. '}admin commands are:\n${known.map((one) => `  ${one}\n`).join('')}` });
}

function response({ status = 200, type = 'text/plain; charset=UTF-8', body }: Page): HttpResponse {
  const headers = new Headers();
  headers.set('content-type', type);
  headers.set('cache-control', 'no-cache, max-age=0');
  headers.set('x-content-type-options', 'nosniff');
  return { status, headers, body: new ReadyBody(Buffer.from(body)) };
}
