import type { Socket } from 'node:net';
import type { Address, Link, LinkReader, Memory } from './link.ts';

/** The public tier: a link over a connected `net.Socket` or `tls.TLSSocket`. Nothing is read before `read` is called. */
export function socketLink(socket: Socket): SocketLink {
  return new SocketLink(socket);
}

/** Copies that the garbage collector takes away. */
const heap: Memory = { hold: (chunk) => Buffer.from(chunk), release: () => undefined };

/** A {@link Link} over a socket of Node's. */
export class SocketLink implements Link {
  readonly memory = heap;
  readonly #socket: Socket;
  #reader: LinkReader | undefined;
  #unread: Buffer | undefined;
  #attached = false;
  #paused = false;
  #ended = false;
  #closed = false;
  #errorCode: string | undefined;
  #remote: Address | undefined;
  #local: Address | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.pause();
    socket.setNoDelay(true);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
    socket.on('end', this.#onEnd);
  }

  read(reader: LinkReader): void {
    this.#reader = reader;
    if (this.#closed) {
      process.nextTick(() => { if (this.#reader === reader) reader.close(this.#errorCode); });
      return;
    }
    if (!this.#attached) {
      this.#attached = true;
      this.#socket.on('data', this.#onData);
      this.#socket.on('drain', this.#onDrain);
    }
    this.#paused = false;
    this.#flow();
    if (this.#ended) process.nextTick(() => { if (this.#reader === reader && !this.#closed) reader.end(); });
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#flow();
  }

  unread(chunk: Buffer): void {
    if (chunk.length > 0) this.#unread = this.#unread === undefined ? chunk : Buffer.concat([chunk, this.#unread]);
  }

  write(data: Buffer | string): boolean {
    if (this.#socket.destroyed) return true;
    return typeof data === 'string' ? this.#socket.write(data, 'latin1') : this.#socket.write(data);
  }

  pass(chunk: Buffer): boolean { return this.write(Buffer.from(chunk)); }
  cork(): void { this.#socket.cork(); }
  uncork(): void { this.#socket.uncork(); }
  end(): void { if (!this.#socket.destroyed) this.#socket.end(); }
  destroy(): void { this.#socket.destroy(); }

  get destroyed(): boolean { return this.#socket.destroyed; }
  get settled(): boolean { return this.#socket.writableLength === 0; }
  get bytesRead(): number { return this.#socket.bytesRead; }
  get bytesWritten(): number { return this.#socket.bytesWritten; }
  get remote(): Address { return this.#remote ??= { ip: plainIp(this.#socket.remoteAddress), port: this.#socket.remotePort ?? 0 }; }
  get local(): Address { return this.#local ??= { ip: plainIp(this.#socket.localAddress), port: this.#socket.localPort ?? 0 }; }

  /** The libuv handle below the socket, for a tier that drives it itself. */
  get handle(): object | undefined { return (this.#socket as unknown as { readonly _handle?: object | null })._handle ?? undefined; }

  /** Hands the socket back, unread bytes first, with no listener of the link left: for wrapping it in TLS after sniffing. */
  release(): Socket {
    const socket = this.#socket;
    socket.pause();
    socket.off('data', this.#onData);
    socket.off('drain', this.#onDrain);
    socket.off('error', this.#onError);
    socket.off('close', this.#onClose);
    socket.off('end', this.#onEnd);
    this.#reader = undefined;
    if (this.#unread !== undefined) socket.unshift(this.#unread);
    this.#unread = undefined;
    return socket;
  }

  /** Unread bytes come first, and only then those of the socket. */
  #flow(): void {
    const unread = this.#unread;
    if (unread !== undefined) {
      this.#unread = undefined;
      this.#reader?.data(unread);
    }
    if (!this.#paused && this.#unread === undefined) this.#socket.resume();
  }

  readonly #onData = (chunk: Buffer): void => { this.#reader?.data(chunk); };
  readonly #onDrain = (): void => { this.#reader?.drain(); };
  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#reader?.end();
  };
  readonly #onError = (error: NodeJS.ErrnoException): void => { this.#errorCode = error.code ?? error.name; };
  readonly #onClose = (): void => {
    this.#closed = true;
    this.#reader?.close(this.#errorCode);
  };
}

function plainIp(address: string | undefined): string {
  if (address === undefined) return '';
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}
