import { protocol, type Session } from 'electron';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { securityHeaders } from '../src/util/content-security.ts';
import { mediaType, servedPath } from '../src/util/media-types.ts';
import { isOwn, scheme } from './origin.ts';

/** Makes `app:` an origin of its own, as `https:` is. Must run before the app is ready. */
export function registerScheme(): void {
  protocol.registerSchemesAsPrivileged([{ scheme, privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } }]);
}

/** Serves the renderer's files to the window, with the strict headers. There is no other way to a file: `file:` is never used. */
export function serveRenderer(session: Session, rendererDir: string): void {
  session.protocol.handle(scheme, (request) => respond(request, rendererDir));
}

async function respond(request: Request, rendererDir: string): Promise<Response> {
  const path = isOwn(request.url) && request.method === 'GET' ? servedPath(new URL(request.url).pathname) : undefined;
  const body = path === undefined ? undefined : await read(join(rendererDir, path));
  if (path === undefined || body === undefined) return new Response('', { status: 404, headers: securityHeaders() });
  return new Response(new Uint8Array(body), { headers: { ...securityHeaders(), 'content-type': mediaType(path) ?? 'application/octet-stream', 'cache-control': 'no-cache' } });
}

async function read(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
