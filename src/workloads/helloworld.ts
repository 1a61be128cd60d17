import { serveHttp, text, type Running, type StandInContext } from './server.ts';

/** Istio's helloworld: says its version and instance. */
export function helloworld(context: StandInContext, given: string): Promise<Running> {
  const version = context.env['SERVICE_VERSION'] ?? given;
  const instance = context.env['HOSTNAME'] ?? context.hostname;
  return serveHttp(context, 5000, ({ path }) => {
    if (path === '/hello') return text(200, `Hello version: ${version}, instance: ${instance}\n`);
    return path === '/health' ? text(200, 'Helloworld is healthy') : text(404, 'Not Found\n');
  });
}
