import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Builders and a reader of HTTP/2 frames, for peers that break the rules. Independent of the codec under test. */
export const types = { data: 0, headers: 1, priority: 2, reset: 3, settings: 4, push: 5, ping: 6, goaway: 7, window: 8, continuation: 9 } as const;
export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** A frame. */
export function frame(type: number, flags: number, id: number, payload: Buffer | string = ''): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
  const head = Buffer.alloc(9);
  head.writeUIntBE(bytes.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, bytes]);
}

/** Fields as literals that enter no table. */
export function block(...fields: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(fields.map(([name, value]) => Buffer.concat([Buffer.from([0]), text(name), text(value)])));
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const size = [0x7f];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest >>>= 7) size.push((rest & 0x7f) | 0x80);
  return Buffer.concat([Buffer.from([...size, rest]), bytes]);
}

/** The four pseudo-header fields of a plain request. */
export const get = [[':method', 'GET'], [':scheme', 'http'], [':path', '/'], [':authority', 'a']] as const;
export const post = [[':method', 'POST'], [':scheme', 'http'], [':path', '/'], [':authority', 'a']] as const;

/** HEADERS that is whole; it ends the stream unless told otherwise. */
export function headers(id: number, fields: readonly (readonly [string, string])[], end = true): Buffer {
  return frame(types.headers, end ? 5 : 4, id, block(...fields));
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** One SETTINGS parameter. */
export function parameter(id: number, value: number): Buffer {
  return Buffer.concat([Buffer.from([0, id]), uint32(value)]);
}

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

/** Cuts what came into frames; a rest is left out. */
export function framesOf(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at + 9 <= bytes.length;) {
    const size = bytes.readUIntBE(at, 3);
    if (at + 9 + size > bytes.length) break;
    frames.push({ type: bytes[at + 3] as number, flags: bytes[at + 4] as number, id: bytes.readUInt32BE(at + 5), payload: bytes.subarray(at + 9, at + 9 + size) });
    at += 9 + size;
  }
  return frames;
}

/** Says bytes as a client, piece by piece, and listens until `done`, the end, or `silence` milliseconds without a byte. */
export function say(port: number, pieces: readonly Buffer[], done: (frames: readonly Frame[]) => boolean, silence = 5000): Promise<{ readonly frames: readonly Frame[]; readonly closed: boolean }> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let bytes = Buffer.alloc(0);
    const finish = (closed: boolean): void => { clearTimeout(timer); socket.destroy(); resolve({ frames: framesOf(bytes), closed }); };
    let timer = setTimeout(finish, silence, false);
    socket.on('error', () => finish(true));
    socket.on('end', () => finish(true));
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      clearTimeout(timer);
      timer = setTimeout(finish, silence, false);
      if (done(framesOf(bytes))) finish(false);
    });
    const next = (index: number): void => {
      const piece = pieces[index];
      if (piece !== undefined && !socket.destroyed) socket.write(piece, () => setImmediate(next, index + 1));
    };
    next(0);
  });
}

/** A server that says what `answer` gives for each HEADERS frame of a client, in whatever shape. */
export async function rawUpstream(answer: (id: number, count: number, socket: Socket) => Buffer | undefined): Promise<{ readonly port: number; readonly connections: () => number; readonly seen: Frame[]; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const seen: Frame[] = [];
  let count = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    let bytes = Buffer.alloc(0);
    let read = -1;
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length < preface.length) return;
      if (read < 0) {
        read = 0;
        socket.write(frame(types.settings, 0, 0));
      }
      const frames = framesOf(bytes.subarray(preface.length));
      for (const one of frames.slice(read)) {
        seen.push(one);
        const said = one.type === types.headers ? answer(one.id, count++, socket) : one.type === types.settings && one.flags === 0 ? frame(types.settings, 1, 0) : undefined;
        if (said !== undefined && !socket.destroyed) socket.write(said);
      }
      read = frames.length;
    });
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return {
    port: (server.address() as AddressInfo).port, seen, connections: () => sockets.size,
    close: () => new Promise((resolve) => { for (const socket of sockets) socket.destroy(); server.close(() => resolve()); }),
  };
}
