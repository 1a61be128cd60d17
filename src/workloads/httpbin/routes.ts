import { randomBytes, randomUUID } from 'node:crypto';
import { deflateSync, gzipSync } from 'node:zlib';
import { pause, text, type Reply, type Request } from '../server.ts';
import { describeBody, type Face } from './face.ts';

/** A request on its way to a route. `segments` are the path's parts after the name, decoded. */
export interface Visit {
  readonly request: Request;
  readonly face: Face;
  readonly segments: readonly string[];
}

/** One of httpbin's endpoints. */
export interface Route {
  /** First segment of the path. */
  readonly name: string;
  /** How many segments may follow; any number when absent. */
  readonly segments?: readonly number[];
  /** HEAD counts as GET; any method when absent. */
  readonly methods?: readonly string[];
  answer(visit: Visit): Reply | Promise<Reply>;
}

const longestDelay = 10_000;
const maxBytes = 100 * 1024;
const get = ['GET'] as const;
const pixel = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==', 'base64');

const bodyRoute = (name: string, method: string): Route => ({ name, segments: [0], methods: [method], answer: ({ request, face }) => face.json({ ...face.describe(request), ...describeBody(request, face) }) });
const html = (body: string, status = 200): Reply => ({ status, headers: { 'content-type': 'text/html; charset=utf-8' }, body });
const toNumber = (value: string | undefined, least: number, most: number): number => Math.min(most, Math.max(least, Math.trunc(Number(value)) || 0));
const redirect = (location: string, status = 302): Reply => ({ status, headers: { location } });
const headerSafe = (name: string, value: string): boolean => /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name) && !/[^\t\x20-\x7e]/.test(value);

/** The endpoints that both httpbins have, the common ones. */
export const routes: readonly Route[] = [
  { name: '', segments: [0], methods: get, answer: ({ face }) => html(`<!DOCTYPE html><html lang="en"><title>httpbin</title><h1>${face.name}</h1><p>An HTTP request and response service.</p></html>\n`) },
  { name: 'get', segments: [0], methods: get, answer: ({ request, face }) => face.json(face.describe(request)) },
  bodyRoute('post', 'POST'), bodyRoute('put', 'PUT'), bodyRoute('patch', 'PATCH'), bodyRoute('delete', 'DELETE'),
  { name: 'anything', answer: ({ request, face }) => face.json({ ...face.describe(request), ...describeBody(request, face), method: request.method }) },
  { name: 'headers', segments: [0], methods: get, answer: ({ request, face }) => face.json({ headers: face.headers(request) }) },
  { name: 'ip', segments: [0], methods: get, answer: ({ request, face }) => face.json({ origin: face.origin(request) }) },
  { name: 'user-agent', segments: [0], methods: get, answer: ({ request, face }) => face.json({ 'user-agent': request.headers['user-agent'] ?? '' }) },
  { name: 'hostname', segments: [0], methods: get, answer: ({ request, face }) => face.json({ hostname: request.headers.host ?? '' }) },
  { name: 'uuid', segments: [0], methods: get, answer: ({ face }) => face.json({ uuid: randomUUID() }) },
  { name: 'status', segments: [1], answer: ({ segments, face }) => status(segments[0] ?? '', face) },
  { name: 'delay', segments: [1], answer: async ({ request, face, segments }) => {
    const seconds = Number((segments[0] ?? '').replace(/s$/, ''));
    if (!Number.isFinite(seconds) || seconds < 0) return text(400, 'Invalid duration\n');
    await pause(Math.min(longestDelay, seconds * 1000), request.signal);
    return face.json({ ...face.describe(request), ...describeBody(request, face) });
  } },
  { name: 'response-headers', segments: [0], methods: ['GET', 'POST'], answer: ({ request, face }) => {
    const pairs = [...request.query].filter(([name, value]) => headerSafe(name, value));
    const values = Object.fromEntries(pairs.map(([name]) => [name, request.query.getAll(name)]));
    const reply = face.json(face.name === 'httpbin' ? Object.fromEntries(pairs) : values);
    return { ...reply, headers: { ...reply.headers, ...values } };
  } },
  { name: 'bytes', segments: [1], methods: get, answer: ({ segments }) => ({ status: 200, headers: { 'content-type': 'application/octet-stream' }, body: randomBytes(toNumber(segments[0], 0, maxBytes)) }) },
  { name: 'stream-bytes', segments: [1], methods: get, answer: ({ segments }) => ({ status: 200, headers: { 'content-type': 'application/octet-stream' }, body: pieces(toNumber(segments[0], 0, maxBytes)) }) },
  { name: 'stream', segments: [1], methods: get, answer: ({ request, face, segments }) => ({ status: 200, headers: { 'content-type': 'application/json' }, body: lines(face.describe(request), toNumber(segments[0], 1, 100)) }) },
  { name: 'drip', segments: [0], methods: get, answer: ({ request }) => {
    const bytes = toNumber(request.query.get('numbytes') ?? '10', 1, maxBytes);
    const duration = Math.min(longestDelay, (Number(request.query.get('duration')) || 2) * 1000);
    return { status: toNumber(request.query.get('code') ?? '200', 200, 599), headers: { 'content-type': 'application/octet-stream', 'content-length': String(bytes) }, body: drops(bytes, duration / bytes, request.signal) };
  } },
  { name: 'cookies', segments: [0, 1], methods: get, answer: ({ request, face, segments }) => cookies(request, face, segments[0]) },
  { name: 'basic-auth', segments: [2], methods: get, answer: (visit) => basicAuth(visit, 401) },
  { name: 'hidden-basic-auth', segments: [2], methods: get, answer: (visit) => basicAuth(visit, 404) },
  { name: 'bearer', segments: [0], methods: get, answer: ({ request, face }) => {
    const token = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
    return token === undefined ? { status: 401, headers: { 'www-authenticate': 'Bearer' } } : face.json({ authenticated: true, token });
  } },
  { name: 'redirect', segments: [1], methods: get, answer: ({ segments }) => hop('/relative-redirect', segments[0]) },
  { name: 'relative-redirect', segments: [1], methods: get, answer: ({ segments }) => hop('/relative-redirect', segments[0]) },
  { name: 'absolute-redirect', segments: [1], methods: get, answer: ({ request, segments }) => hop(`http://${request.headers.host ?? ''}/absolute-redirect`, segments[0], `http://${request.headers.host ?? ''}`) },
  { name: 'redirect-to', segments: [0], answer: ({ request }) => {
    const url = request.query.get('url') ?? '';
    return url === '' || !headerSafe('x', url) ? text(400, 'Missing or invalid URL\n') : redirect(url, toNumber(request.query.get('status_code') ?? '302', 300, 399));
  } },
  { name: 'html', segments: [0], methods: get, answer: () => html('<!DOCTYPE html>\n<html>\n<head></head>\n<body>\n<h1>A page</h1>\n<p>Plain HTML, for trying things out.</p>\n</body>\n</html>\n') },
  { name: 'json', segments: [0], methods: get, answer: ({ face }) => face.json({ slideshow: { author: 'Yours Truly', date: 'date of publication', slides: [{ title: 'First slide', type: 'all' }, { items: ['One item', 'Another item'], title: 'Overview', type: 'all' }], title: 'Sample Slide Show' } }) },
  { name: 'xml', segments: [0], methods: get, answer: () => ({ status: 200, headers: { 'content-type': 'application/xml' }, body: '<?xml version="1.0" encoding="us-ascii"?>\n<slideshow title="Sample Slide Show"><slide type="all"><title>First slide</title></slide></slideshow>\n' }) },
  { name: 'robots.txt', segments: [0], methods: get, answer: () => text(200, 'User-agent: *\nDisallow: /deny\n') },
  { name: 'deny', segments: [0], methods: get, answer: () => text(200, 'You should not be here.\n') },
  { name: 'image', segments: [0, 1], methods: get, answer: ({ segments }) => ((segments[0] ?? 'png') === 'png' ? { status: 200, headers: { 'content-type': 'image/png' }, body: pixel } : text(404, '404 page not found\n')) },
  { name: 'gzip', segments: [0], methods: get, answer: ({ request, face }) => packed(face.json({ ...face.describe(request), gzipped: true }), 'gzip', gzipSync) },
  { name: 'deflate', segments: [0], methods: get, answer: ({ request, face }) => packed(face.json({ ...face.describe(request), deflated: true }), 'deflate', deflateSync) },
  { name: 'cache', segments: [0, 1], methods: get, answer: ({ request, face, segments }) => {
    if (segments.length === 0 && (request.headers['if-none-match'] !== undefined || request.headers['if-modified-since'] !== undefined)) return { status: 304 };
    const reply = face.json(face.describe(request));
    return { ...reply, headers: { ...reply.headers, ...(segments[0] === undefined ? { etag: '"cached"' } : { 'cache-control': `public, max-age=${toNumber(segments[0], 0, 2 ** 31)}` }) } };
  } },
  { name: 'unstable', segments: [0], methods: get, answer: ({ request }) => text(Math.random() < (Number(request.query.get('failure_rate') ?? '0.5') || 0) ? 500 : 200, '') },
];

/** `418`, or one of several by weight: `200:0.9,500:0.1`. */
function status(choices: string, face: Face): Reply {
  const parsed = choices.split(',').map((choice) => choice.split(':')).map(([code, weight]) => ({ code: Number(code), weight: weight === undefined ? 1 : Number(weight) }));
  if (parsed.some(({ code, weight }) => !Number.isInteger(code) || code < 100 || code > 599 || !(weight >= 0))) return text(400, 'Invalid status code\n');
  let random = Math.random() * parsed.reduce((sum, { weight }) => sum + weight, 0);
  const chosen = parsed.find(({ weight }) => (random -= weight) < 0) ?? parsed[0];
  // An informational status cannot end a response.
  const code = Math.max(200, chosen?.code ?? 200);
  if (code >= 301 && code <= 308 && code !== 304 && code !== 306) return redirect('/redirect/1', code);
  if (code === 401) return { status: code, headers: { 'www-authenticate': 'Basic realm="Fake Realm"' } };
  return code === 418 ? text(code, face.name === 'go-httpbin' ? "I'm a teapot!" : '\n    -=[ teapot ]=-\n') : { status: code };
}

function hop(path: string, count: string | undefined, end = ''): Reply {
  const left = toNumber(count, 1, 100);
  return redirect(left === 1 ? `${end}/get` : `${path}/${left - 1}`);
}

function cookies(request: Request, face: Face, action: string | undefined): Reply {
  const pairs = [...request.query].filter(([name, value]) => headerSafe(name, value) && !value.includes(';'));
  if (action === 'set') return { ...redirect('/cookies'), headers: { location: '/cookies', 'set-cookie': pairs.map(([name, value]) => `${name}=${value}; Path=/`) } };
  if (action === 'delete') return { ...redirect('/cookies'), headers: { location: '/cookies', 'set-cookie': pairs.map(([name]) => `${name}=; Max-Age=0; Path=/`) } };
  if (action !== undefined) return text(404, '404 page not found\n');
  const held = Object.fromEntries((request.headers.cookie ?? '').split(/;\s*/).filter((pair) => pair.includes('=')).map((pair): [string, string] => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
  return face.json(face.name === 'httpbin' ? { cookies: held } : held);
}

function basicAuth({ request, face, segments: [user = '', password = ''] }: Visit, refusal: number): Reply {
  const given = Buffer.from(/^Basic (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '', 'base64').toString('utf8');
  const right = given === `${user}:${password}`;
  if (right) return face.json(face.name === 'httpbin' ? { authenticated: true, user } : { authenticated: true, authorized: true, user });
  return { status: refusal, ...(refusal === 401 ? { headers: { 'www-authenticate': 'Basic realm="Fake Realm"' } } : {}) };
}

function packed(reply: Reply, encoding: string, pack: (data: string) => Buffer): Reply {
  return { ...reply, headers: { ...reply.headers, 'content-encoding': encoding }, body: pack(String(reply.body)) };
}

async function* lines(description: object, count: number): AsyncGenerator<string> {
  for (let id = 0; id < count; id++) yield `${JSON.stringify({ id, ...description })}\n`;
}

async function* pieces(bytes: number): AsyncGenerator<Buffer> {
  for (let left = bytes; left > 0; left -= 10_240) yield randomBytes(Math.min(left, 10_240));
}

async function* drops(bytes: number, every: number, signal: AbortSignal): AsyncGenerator<string> {
  for (let i = 0; i < bytes; i++) {
    yield '*';
    if (i + 1 < bytes) await pause(every, signal);
  }
}
