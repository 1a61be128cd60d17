import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { webSocketChannel, type Channel } from '../rpc/index.ts';
import type { Guard } from './guard.ts';

/** How the WebSocket side of a server is set up. */
export interface ChannelOptions {
  readonly server: Server;
  readonly guard: Guard;
  readonly attach: (channel: Channel) => void;
  /** Longest message, in bytes; a longer one ends the connection. */
  readonly maxMessage: number;
}

/** Closed because the first message did not carry the token. Clients must not try again with the same one. */
export const unauthorized = 4401;

const firstMessageWithin = 5_000;
const longestFirstMessage = 1024;
const strangersAtOnce = 16;

/**
 * Upgrades `/api` to a channel. The first message must be `{"token": …}`: a URL would keep it in histories and logs, and the
 * handshake of a WebSocket carries no header that a page could set. What comes after is the RPC's.
 */
export function acceptChannels({ server, guard, attach, maxMessage }: ChannelOptions): { close(): void } {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxMessage, perMessageDeflate: false, clientTracking: true });
  let strangers = 0;
  server.on('upgrade', (request, socket, head) => {
    if (request.url !== '/api' || guard.request(request.headers) !== undefined || strangers >= strangersAtOnce) return refuse(socket);
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      strangers += 1;
      greet(webSocket, guard, () => (strangers -= 1), (known) => attach(webSocketChannel(known)));
    });
  });
  return {
    close() {
      for (const client of sockets.clients) client.terminate();
      sockets.close();
    },
  };
}

function refuse(socket: Duplex): void {
  socket.on('error', () => socket.destroy());
  socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
}

function greet(socket: WebSocket, guard: Guard, known: () => void, attach: (socket: WebSocket) => void): void {
  let greeted = false;
  const settle = (): void => {
    clearTimeout(timer);
    if (!greeted) known();
    greeted = true;
  };
  const timer = setTimeout(() => socket.close(unauthorized, 'token'), firstMessageWithin);
  socket.once('close', settle);
  // Errors of a peer end its connection; `close` follows and does the rest.
  socket.on('error', () => socket.terminate());
  socket.once('message', (data, binary) => {
    settle();
    if (binary || !guard.token(firstToken(data))) return socket.close(unauthorized, 'token');
    attach(socket);
  });
}

function firstToken(data: RawData): unknown {
  if (!Buffer.isBuffer(data) || data.length > longestFirstMessage) return undefined;
  try {
    return (JSON.parse(data.toString()) as { token?: unknown } | null)?.token;
  } catch {
    return undefined;
  }
}
