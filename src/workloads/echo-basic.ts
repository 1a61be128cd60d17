import { readFile } from 'node:fs/promises';
import { milliseconds } from './fortio.ts';
import { pause, serveHttp, together, type Handler, type Reply, type Request, type Running, type SpokenTls, type StandInContext } from './server.ts';

/** The longest that `?delay=` makes an answer wait, in milliseconds. */
const longestDelay = 60_000;

/** Gateway API's echo server: says as JSON what it was asked, after `?delay=1s` where it is told to wait. Source: gateway-api.sigs.k8s.io, conformance. */
export async function echoBasic(context: StandInContext): Promise<Running> {
  const { env } = context;
  const handler: Handler = (request) => answer(request, env);
  const starting = [serveHttp(context, Number(env['HTTP_PORT'] ?? 3000), handler)];
  const [certificate, key] = [env['TLS_SERVER_CERT'], env['TLS_SERVER_PRIVKEY']];
  if (certificate !== undefined && key !== undefined && certificate !== '' && key !== '') {
    const authorities = env['TLS_CLIENT_CACERTS'] ?? '';
    const [cert, privateKey, clientCa] = await Promise.all([readFile(certificate, 'utf8'), readFile(key, 'utf8'), authorities === '' ? undefined : readFile(authorities, 'utf8')]);
    starting.push(serveHttp(context, Number(env['HTTPS_PORT'] ?? 8443), handler, { cert, key: privateKey, ...(clientCa === undefined ? {} : { clientCa }) }));
  }
  return together(starting);
}

async function answer(request: Request, env: StandInContext['env']): Promise<Reply> {
  const delay = milliseconds(request.query.get('delay') ?? '');
  if (delay > 0) await pause(Math.min(delay, longestDelay), request.signal);
  if (request.path === '/health') return { status: 200, body: 'OK' };
  const wanted = Number(/^\/status\/(\d{3})$/.exec(request.path)?.[1] ?? 200);
  const body = {
    path: request.target, host: request.headers.host ?? '', method: request.method, proto: request.proto, headers: canonicalHeaders(request), httpPort: String(request.port),
    namespace: env['NAMESPACE'] ?? '', ingress: env['INGRESS_NAME'] ?? '', service: env['SERVICE_NAME'] ?? '', pod: env['POD_NAME'] ?? '',
    ...(request.tls === undefined ? {} : { tls: tlsOf(request.tls) }),
  };
  return {
    status: wanted >= 200 && wanted <= 599 ? wanted : 200,
    headers: { 'content-type': 'application/json', 'x-content-type-options': 'nosniff', ...extraHeaders(request.headers['x-echo-set-header']) },
    body: `${JSON.stringify(body, null, 1)}\n`,
  };
}

function tlsOf({ peerCertificate, ...tls }: SpokenTls): Readonly<Record<string, unknown>> {
  return peerCertificate === '' ? tls : { ...tls, peerCertificates: [peerCertificate] };
}

/** Header values by name as Go writes names: `X-Request-Id`. Host is not among them. */
export function canonicalHeaders({ rawHeaders }: Pick<Request, 'rawHeaders'>): Readonly<Record<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  for (const [name, value] of rawHeaders) {
    const key = canonicalName(name);
    if (key === 'Host') continue;
    found.set(key, [...(found.get(key) ?? []), value]);
  }
  return Object.fromEntries(found);
}

/** `x-request-id` → `X-Request-Id`. */
export function canonicalName(name: string): string {
  return name.toLowerCase().replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
}

/** `X-Echo-Set-Header: name:value, other:value` sets headers of the response. */
function extraHeaders(value: string | readonly string[] | undefined): Readonly<Record<string, string>> {
  const pairs = [value ?? []].flat().join(',').split(',').map((pair) => pair.split(':')).filter(([name]) => /^[A-Za-z0-9-]+$/.test((name ?? '').trim()));
  return Object.fromEntries(pairs.map(([name = '', ...rest]) => [name.trim().toLowerCase(), rest.join(':').trim().replace(/[^\x20-\x7e]/g, '')]));
}
