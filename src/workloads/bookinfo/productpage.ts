import { json, serveHttp, text, type Handler, type Reply, type Request, type Running, type StandInContext } from '../server.ts';
import { createCaller, forwardedHeaders, serviceUrl, type Call } from './call.ts';
import { portOf } from './details.ts';
import { indexPage, productPage, type ProductView } from './page.ts';

const timeout = 3000;
const product = {
  id: 0,
  title: 'The Comedy of Errors',
  descriptionHtml: '<a href="https://en.wikipedia.org/wiki/The_Comedy_of_Errors">On Wikipedia</a>: two pairs of twins, one city, and everybody taken for somebody else. <b>William Shakespeare</b>’s shortest play, and one of his earliest.',
};

interface Answer {
  readonly status: number;
  readonly value: Readonly<Record<string, unknown>>;
}

/** Bookinfo's product page: an HTML page and a small API, made from details, reviews and ratings. */
export async function productpage(context: StandInContext): Promise<Running> {
  const { env } = context;
  const { call, close } = createCaller();
  const results = new Map<string, number>();
  const fetchJson = async (what: 'details' | 'reviews' | 'ratings', id: number, headers: Readonly<Record<string, string>>, tries: number): Promise<Answer> => {
    const answer = await tryJson({ call, log: context.log }, `${serviceUrl(what, env)}/${what}/${id}`, headers, tries);
    const key = `destination_app="${what}",response_code="${answer?.status ?? 500}"`;
    results.set(key, (results.get(key) ?? 0) + 1);
    if (answer?.value !== undefined) return { status: 200, value: answer.value };
    return { status: answer?.status ?? 500, value: { error: `Sorry, product ${what} are currently unavailable for this book.` } };
  };
  const details = (id: number, headers: Readonly<Record<string, string>>): Promise<Answer> => fetchJson('details', id, headers, 1);
  // Two tries of three seconds: less than the ten of reviews. It is the mistake that the fault injection task finds.
  const reviews = (id: number, headers: Readonly<Record<string, string>>): Promise<Answer> => fetchJson('reviews', id, headers, 2);
  const ratings = (id: number, headers: Readonly<Record<string, string>>): Promise<Answer> => fetchJson('ratings', id, headers, 1);

  async function page(request: Request): Promise<Reply> {
    const headers = outgoing(request);
    const book = await details(product.id, headers);
    await flood(headers);
    const said = await reviews(product.id, headers);
    return html(productPage({ ...product, user: userOf(request), detailsStatus: book.status, details: book.value, reviewsStatus: said.status, reviews: said.value as ProductView['reviews'] }));
  }

  /** `FLOOD_FACTOR` more calls to reviews, whose answers nobody looks at. */
  async function flood(headers: Readonly<Record<string, string>>): Promise<void> {
    const factor = Math.min(100, Math.max(0, Number(env['FLOOD_FACTOR'] ?? 0) || 0));
    await Promise.all(Array.from({ length: factor }, () => reviews(product.id, headers)));
  }

  async function api(request: Request): Promise<Reply> {
    const match = /^\/api\/v1\/products(?:\/(\d+)(?:\/(reviews|ratings))?)?$/.exec(request.path);
    if (match === null) return text(404, 'Not Found\n');
    if (match[1] === undefined) return json(200, [product]);
    const get = match[2] === 'reviews' ? reviews : match[2] === 'ratings' ? ratings : details;
    const { status, value } = await get(Number(match[1]), outgoing(request));
    return json(status, value);
  }

  const handler: Handler = (request) => {
    const { path } = request;
    if (path === '/' || path === '/index.html') return html(indexPage(userOf(request)));
    if (path === '/health') return text(200, 'Product page is healthy');
    if (path === '/login') return request.method === 'POST' ? login(request) : text(405, 'Method Not Allowed\n');
    if (path === '/logout') return back(request, 'session=; Path=/; HttpOnly; Max-Age=0');
    if (path === '/productpage') return page(request);
    if (path === '/metrics') return text(200, metrics(results));
    return path.startsWith('/api/') ? api(request) : text(404, 'Not Found\n');
  };
  const running = await serveHttp(context, portOf(context), handler);
  return { ...running, stop: async () => { close(); await running.stop(); } };
}

/** Tries a few times for a 200 with JSON. Without one, the last status, or nothing when there was no answer at all. */
async function tryJson({ call, log }: { readonly call: Call; log(line: string): void }, url: string, headers: Readonly<Record<string, string>>, tries: number): Promise<{ readonly status: number; readonly value?: Readonly<Record<string, unknown>> } | undefined> {
  let last: { readonly status: number } | undefined;
  for (let attempt = 0; attempt < tries; attempt++) {
    try {
      const { status, body } = await call(url, headers, timeout);
      if (status === 200) return { status, value: JSON.parse(body) as Readonly<Record<string, unknown>> };
      last = { status };
    } catch (error) {
      last = undefined;
      log(`${url} failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return last;
}

function outgoing(request: Request): Readonly<Record<string, string>> {
  const user = userOf(request);
  return { ...forwardedHeaders(request.headers), ...(user === '' ? {} : { 'end-user': user }) };
}

function html(body: string): Reply {
  return { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body };
}

function login(request: Request): Reply {
  const user = request.query.get('username') ?? new URLSearchParams(request.body.toString('utf8')).get('username') ?? '';
  return back(request, `session=${Buffer.from(JSON.stringify({ user: cleanUser(user) })).toString('base64url')}; Path=/; HttpOnly`);
}

/** Back to the page that the form was on; never to another site. */
function back(request: Request, cookie: string): Reply {
  const referrer = /^https?:\/\/([^/]+)(\/[^/\\].*)$/.exec(request.headers.referer ?? '');
  const location = referrer !== null && referrer[1] === request.headers.host ? referrer[2] ?? '/productpage' : '/productpage';
  return { status: 302, headers: { location, 'set-cookie': cookie, 'content-type': 'text/html; charset=utf-8' }, body: `<a href="/productpage">The product page</a>\n` };
}

function userOf(request: Request): string {
  const cookie = /(?:^|;\s*)session=([A-Za-z0-9_-]+)/.exec(request.headers.cookie ?? '')?.[1];
  if (cookie === undefined) return '';
  try {
    const { user } = JSON.parse(Buffer.from(cookie, 'base64url').toString('utf8')) as { readonly user?: unknown };
    return typeof user === 'string' ? cleanUser(user) : '';
  } catch {
    return '';
  }
}

/** A name that can stand in a header. */
function cleanUser(user: string): string {
  return user.replace(/[^\x20-\x7e]/g, '').trim().slice(0, 128);
}

function metrics(results: ReadonlyMap<string, number>): string {
  return ['# HELP request_result Results of requests', '# TYPE request_result counter', ...[...results].map(([labels, count]) => `request_result_total{${labels}} ${count}`), ''].join('\n');
}
