import { serveHttp, text, together, type Reply, type Request, type Running, type StandInContext } from '../server.ts';
import { goFace, pythonFace, type Face } from './face.ts';
import { routes } from './routes.ts';

/** kennethreitz/httpbin, on port 80; the manifests that bind gunicorn to 8080 find it there as well. */
export function httpbin(context: StandInContext): Promise<Running> {
  const bound = context.args.map((arg) => /(?:^|=)(?:\[::\]|[\d.]*):(\d+)$/.exec(arg)?.[1]).find((port) => port !== undefined);
  const ports = bound === undefined ? [80, 8080] : [Number(bound)];
  return together(ports.map((port) => serveHttp(context, port, (request) => route(request, pythonFace))));
}

/** mccutchen/go-httpbin, on port 8080 or `PORT`, `-port`. */
export function goHttpbin(context: StandInContext): Promise<Running> {
  const flag = context.args.map((arg, index) => /^--?port(?:=(\d+))?$/.exec(arg) === null ? undefined : arg.split('=')[1] ?? context.args[index + 1]).find((port) => port !== undefined);
  const port = Number(flag ?? context.env['PORT'] ?? 8080);
  return serveHttp(context, Number.isInteger(port) && port > 0 && port < 65_536 ? port : 8080, (request) => route(request, goFace));
}

async function route(request: Request, face: Face): Promise<Reply> {
  const reply = await find(request, face);
  return { ...reply, headers: { 'access-control-allow-origin': request.headers.origin ?? '*', 'access-control-allow-credentials': 'true', ...reply.headers } };
}

async function find(request: Request, face: Face): Promise<Reply> {
  if (request.method === 'OPTIONS') return { status: 200, headers: { 'access-control-allow-methods': 'GET, POST, PUT, DELETE, PATCH, OPTIONS', 'access-control-max-age': '3600' } };
  const [, name = '', ...segments] = request.path.split('/');
  const found = routes.find((candidate) => candidate.name === name && (candidate.segments === undefined || candidate.segments.includes(segments.length)));
  if (found === undefined) return text(404, '404 page not found\n');
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  if (found.methods !== undefined && !found.methods.includes(method)) return { ...text(405, 'Method Not Allowed\n'), headers: { allow: found.methods.join(', ') } };
  return found.answer({ request, face, segments: segments.map(decode) });
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
