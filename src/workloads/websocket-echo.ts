import type { IncomingMessage } from 'node:http';
import { WebSocketServer, type WebSocket } from 'ws';
import { serveHttp, text, type Handler, type Running, type StandInContext } from './server.ts';

const longestMessage = 16 * 1024 * 1024;

/**
 * The echo server `jmalloc/echo-server`: what it was asked, as text; over WebSocket, who serves, and then each message as it came. `PORT` moves it, `SEND_SERVER_HOSTNAME=false`
 * leaves out the greeting. Source: github.com/jmalloc/echo-server.
 */
export async function websocketEcho(context: StandInContext): Promise<Running> {
  const { env } = context;
  const greets = (headers: IncomingMessage['headers']): boolean => String(headers['x-send-server-hostname'] ?? env['SEND_SERVER_HOSTNAME'] ?? 'true').toLowerCase() !== 'false';
  const host = env['HOSTNAME'] ?? context.hostname;
  const handler: Handler = ({ method, target, proto, rawHeaders, headers, body }) => text(200, [
    ...(greets(headers) ? [`Request served by ${host}`, ''] : []), `${method} ${target} ${proto}`, '', ...rawHeaders.map(([name, value]) => `${name}: ${value}`), ...(body.length === 0 ? [] : ['', body.toString('utf8')]), '',
  ].join('\n'));
  const sockets = new WebSocketServer({
    noServer: true, maxPayload: longestMessage,
    handleProtocols: (offered) => offered.values().next().value ?? false,
  });
  const running = await serveHttp(context, Number(env['PORT'] ?? 8080), handler, undefined, (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (peer) => { converse(peer, greets(request.headers) ? host : undefined, (line) => context.log(`${request.url ?? ''} | ${line}`)); });
  });
  return { ...running, stop: async () => { for (const peer of sockets.clients) peer.terminate(); await running.stop(); } };
}

function converse(peer: WebSocket, greeting: string | undefined, log: (line: string) => void): void {
  log('upgraded to websocket');
  if (greeting !== undefined) peer.send(`Request served by ${greeting}`);
  peer.on('message', (message, isBinary) => { peer.send(message, { binary: isBinary }); });
  peer.on('close', (code) => { log(`closed ${code}`); });
  // `close` follows.
  peer.on('error', (error) => { log(error.message); });
}
