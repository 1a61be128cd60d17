import { connect, type TLSSocket } from 'node:tls';
import type { FromControlPlane, FromProxy } from '../../contract/index.ts';
import type { Clock } from '../hooks.ts';

/** A connection to the control plane that is made again whenever it is lost. */
export interface Wire {
  /** Says something; false, and lost, when not connected. */
  send(message: FromProxy): boolean;
  readonly connected: boolean;
  close(): void;
}

export interface WireSettings {
  readonly host: string;
  readonly port: number;
  /** The roots to verify the control plane against, PEM; asked at each connection. */
  roots(): string;
  readonly hello: Extract<FromProxy, { hello: unknown }>;
  readonly clock: Clock;
  /** In [0, 1). */
  random(): number;
  /** Called after `hello` was said. */
  opened(): void;
  received(message: FromControlPlane): void;
  /** Something to tell a human. */
  log(line: string): void;
}

const controlPlaneName = 'istiod.istio-system.svc';
const longestLine = 16 * 1024 * 1024;
const backoff = { first: 100, most: 5000 } as const;
const keepAliveMs = 10_000;

/** Connects, says `hello`, hands on each line, and connects again after 100 ms to 5 s with jitter, for as long as it takes. */
export function createWire(settings: WireSettings): Wire {
  let socket: TLSSocket | undefined;
  let connected = false;
  let closed = false;
  let failures = 0;
  let cancel: (() => void) | undefined;

  const open = (): void => {
    const opening = connect({
      host: settings.host, port: settings.port, servername: controlPlaneName, ca: settings.roots(), minVersion: 'TLSv1.3', rejectUnauthorized: true,
    });
    socket = opening;
    let reason = 'closed';
    opening.setNoDelay(true);
    opening.setKeepAlive(true, keepAliveMs);
    opening.on('secureConnect', () => {
      connected = true;
      settings.log('connected to the control plane');
      write(opening, settings.hello);
      settings.opened();
    });
    readLines(opening, (line) => {
      failures = 0;
      settings.received(JSON.parse(line) as FromControlPlane);
    });
    opening.on('error', (error) => { reason = error.message; });
    opening.on('close', () => {
      const was = connected;
      connected = false;
      if (closed) return;
      if (was || failures === 0) settings.log(`the control plane is away (${reason}); the last config stays in force`);
      const wait = Math.min(backoff.most, backoff.first * 2 ** failures) * (0.5 + settings.random());
      failures = Math.min(failures + 1, 10);
      cancel = settings.clock.after(wait, open);
    });
  };
  open();
  return {
    send: (message) => connected && socket !== undefined && write(socket, message),
    get connected() { return connected; },
    close() {
      closed = true;
      cancel?.();
      socket?.end();
    },
  };
}

function write(socket: TLSSocket, message: FromProxy): boolean {
  if (!socket.writable) return false;
  socket.write(`${JSON.stringify(message)}\n`);
  return true;
}

/** Calls back for each line; a line that is too long, or that the callback throws on, ends the connection. */
function readLines(socket: TLSSocket, line: (text: string) => void): void {
  let parts: Buffer[] = [];
  let size = 0;
  socket.on('data', (chunk: Buffer) => {
    let rest = chunk;
    for (let at = rest.indexOf(10); at >= 0 && !socket.destroyed; at = rest.indexOf(10)) {
      const text = Buffer.concat([...parts, rest.subarray(0, at)]).toString();
      parts = [];
      size = 0;
      rest = rest.subarray(at + 1);
      try {
        line(text);
      } catch (error) {
        socket.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    }
    if (rest.length === 0) return;
    parts.push(rest);
    size += rest.length;
    if (size > longestLine) socket.destroy(new Error('a line of the control plane is longer than 16 MiB'));
  });
}
