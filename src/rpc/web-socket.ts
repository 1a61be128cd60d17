import { closeSignal, type Channel } from './channel.ts';

/** What browser WebSockets and those of `ws` have in common. */
export interface WebSocketLike {
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(data: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'close' | 'error' | 'open', listener: () => void): void;
}

const open = 1;
/** A peer that does not read for so long that this much waits for it is cut off: it costs only itself. */
const defaultMaxBuffered = 64 * 1024 * 1024;

/** A channel over a WebSocket, of either end; messages that are not text close it. */
export function webSocketChannel(socket: WebSocketLike, maxBuffered = defaultMaxBuffered): Channel {
  const closing = closeSignal();
  const waiting: string[] = [];
  const fail = (): void => {
    socket.close(1011, 'too slow');
    closing.fire();
  };
  socket.addEventListener('open', () => { for (const message of waiting.splice(0)) socket.send(message); });
  socket.addEventListener('close', closing.fire);
  socket.addEventListener('error', closing.fire);
  if (socket.readyState > open) closing.fire();
  return {
    send: (message) => {
      if (closing.fired()) return;
      if (socket.readyState < open) waiting.push(message);
      else if (socket.bufferedAmount > maxBuffered) fail();
      else socket.send(message);
    },
    onMessage: (listener) => socket.addEventListener('message', ({ data }) => {
      if (closing.fired()) return;
      if (typeof data === 'string') listener(data);
      else socket.close(1003, 'text only');
    }),
    onClose: closing.listen,
    close: () => {
      socket.close(1000);
      closing.fire();
    },
  };
}
