import { connectLabApi, webSocketChannel, pipeChannel, type Channel } from '../../src/rpc/index.ts';
import type { Lab } from '../../src/contract/index.ts';

/** What Electron's preload offers: a pipe for text, nothing else. */
export interface PreloadBridge {
  send(message: string): void;
  onMessage(listener: (message: string) => void): void;
}

/** One try at a connection. `closed` settles when it ends, with whether another try can help. */
export interface Connection {
  readonly lab: Lab;
  readonly closed: Promise<{ readonly retry: boolean; readonly message: string }>;
  close(): void;
}

/** Opens a connection; rejects when nothing answers. */
export type Connect = () => Promise<Connection>;

/** The browser as this file needs it; passed in so that tests can play it. */
export interface Host {
  readonly bridge: PreloadBridge | undefined;
  readonly location: { readonly protocol: string; readonly host: string; readonly hash: string; readonly pathname: string; readonly search: string };
  readonly session: { getItem(key: string): string | null; setItem(key: string, value: string): void };
  replaceUrl(url: string): void;
  openSocket(url: string): WebSocket;
}

const tokenKey = 'weft-token';
const unauthorized = 4401;

/** Picks the wire: Electron's bridge when it is there, else the WebSocket at `/api` of the page's own origin. */
export function chooseConnect(host: Host): Connect {
  if (host.bridge !== undefined) return connectBridge(host.bridge);
  const token = takeToken(host);
  const scheme = host.location.protocol === 'https:' ? 'wss' : 'ws';
  return () => connectSocket(host.openSocket(`${scheme}://${host.location.host}/api`), token);
}

/** Moves the token from the URL's fragment to this tab's session storage, so that it stays in no history and on no screen. */
export function takeToken(host: Pick<Host, 'location' | 'session' | 'replaceUrl'>): string {
  const { hash, pathname, search } = host.location;
  const token = new URLSearchParams(hash.replace(/^#/, '')).get('token');
  if (token === null) return host.session.getItem(tokenKey) ?? '';
  host.session.setItem(tokenKey, token);
  host.replaceUrl(pathname + search);
  return token;
}

function connectBridge(bridge: PreloadBridge): Connect {
  const lab = connectLabApi(pipeChannel({
    send: message => bridge.send(message),
    onMessage: listener => bridge.onMessage(listener),
    onClose: () => undefined, // The bridge lives as long as the window.
  }));
  return () => Promise.resolve({ lab, closed: new Promise(() => undefined), close: () => undefined });
}

function connectSocket(socket: WebSocket, token: string): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const closed = new Promise<{ retry: boolean; message: string }>(end => {
      socket.addEventListener('close', ({ code }) => end(code === unauthorized
        ? { retry: false, message: 'This page’s key is not (or no longer) valid. Open the address that Weft printed when it started.' }
        : { retry: true, message: 'The connection to Weft was lost.' }));
    });
    void closed.then(({ message }) => reject(new Error(message)));
    socket.addEventListener('open', () => {
      socket.send(JSON.stringify({ token }));
      const channel: Channel = webSocketChannel(socket);
      resolve({ lab: connectLabApi(channel), closed, close: () => channel.close() });
    });
  });
}
