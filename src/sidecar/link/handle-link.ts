import type { Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';
import type { Address, Link, LinkReader } from './link.ts';
import { SocketLink } from './socket-link.ts';
import { Tier, type StreamHandle, type WriteRequest } from './tier.ts';
import { turn } from './turn.ts';

const endOfFile = -4095;
/** Bytes that wait for room before the writer is asked to stop. */
const highWater = 64 * 1024;
const largePiece = 16 * 1024;

/**
 * Puts a link on its libuv handle for the rest of its life: no stream machinery, one buffer for all reads. The same link comes back where
 * that is not possible. What the binding gives is looked up once per process and kept on the class.
 */
export function handleLink(link: Link): Link {
  if (!(link instanceof SocketLink) || link.destroyed) return link;
  const tier = HandleLink.tier();
  return tier === undefined ? link : HandleLink.over(link, tier) ?? link;
}

/** What HTTP connections run on in this process: libuv's handles, or Node's sockets where those cannot be had. */
export function linkTier(): 'handles' | 'sockets' {
  return HandleLink.tier() === undefined ? 'sockets' : 'handles';
}

/**
 * A {@link Link} on a libuv handle. What is written in one turn of the event loop goes out at its end, in one piece. Writes to TLS go one at a time: a second one while
 * one is in flight would abort the process.
 */
export class HandleLink implements Link {
  static #found: Tier | null | undefined;
  readonly remote: Address;
  readonly local: Address;
  readonly #socket: Socket;
  readonly #handle: StreamHandle;
  readonly #tier: Tier;
  #reader: LinkReader | undefined;
  #unread: Buffer | undefined;
  #corked: (Buffer | string)[] | undefined;
  #corks = 0;
  /** Bytes that were passed on in this turn, in a buffer of the tier's. */
  #room: Buffer | undefined;
  #gathered = 0;
  /** What waits for the end of the turn, or for the write that is in flight. */
  readonly #queue: (Buffer | string)[] = [];
  #queued = 0;
  #scheduled = false;
  #busy = false;
  #full = false;
  #paused = true;
  #ended = false;
  #ending = false;
  #closed = false;
  #errorCode: string | undefined;

  /** The binding, when this Node has it. */
  static tier(): Tier | undefined {
    if (HandleLink.#found === undefined) HandleLink.#found = Tier.find() ?? null;
    return HandleLink.#found ?? undefined;
  }

  /** Takes the socket over; `undefined` when its handle is not one that can be driven. */
  static over(link: SocketLink, tier: Tier): HandleLink | undefined {
    const handle = link.handle as StreamHandle | undefined;
    if (handle === undefined || typeof handle.useUserBuffer !== 'function' || typeof handle.writeLatin1String !== 'function') return undefined;
    return new HandleLink(link, handle, tier);
  }

  private constructor(link: SocketLink, handle: StreamHandle, tier: Tier) {
    this.remote = link.remote;
    this.local = link.local;
    const socket = link.release();
    this.#socket = socket;
    this.#handle = handle;
    this.#tier = tier;
    // Bytes that the stream had read already, those put back first among them.
    for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) this.#unread = this.#unread === undefined ? chunk : Buffer.concat([this.#unread, chunk]);
    this.#ended = socket.readableEnded || (socket as unknown as { readonly _readableState: { readonly ended: boolean } })._readableState.ended;
    socket.on('error', (error: NodeJS.ErrnoException) => { this.#errorCode ??= error.code ?? error.name; });
    socket.on('close', () => this.#onClose());
    handle.readStop();
    handle.useUserBuffer(tier.scratch);
    handle.onread = () => this.#onRead();
    handle.reading = true;
  }

  read(reader: LinkReader): void {
    this.#reader = reader;
    if (this.#closed) {
      process.nextTick(() => { if (this.#reader === reader) reader.close(this.#errorCode); });
      return;
    }
    this.#paused = true;
    this.resume();
    if (this.#ended) process.nextTick(() => { if (this.#reader === reader && !this.#closed) reader.end(); });
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    if (!this.destroyed) this.#handle.readStop();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    const unread = this.#unread;
    if (unread !== undefined) {
      this.#unread = undefined;
      this.#reader?.data(unread);
    }
    if (!this.#paused && !this.#ended && !this.destroyed) this.#handle.readStart();
  }

  unread(chunk: Buffer): void {
    if (chunk.length > 0) this.#unread = this.#unread === undefined ? chunk : Buffer.concat([chunk, this.#unread]);
  }

  write(data: Buffer | string): boolean {
    if (this.destroyed) return true;
    if (this.#corked !== undefined) {
      this.#corked.push(data);
      return !this.#full;
    }
    if (this.#gathered > 0) {
      if (data.length <= (this.#room as Buffer).length - this.#gathered) {
        this.#gather(data);
        return !this.#full;
      }
      this.#enqueueRoom();
    }
    return this.#enqueue(data);
  }

  pass(chunk: Buffer): boolean {
    if (this.destroyed) return true;
    this.#schedule();
    for (const piece of this.#corked ?? []) this.#gather(piece);
    if (this.#corked !== undefined) this.#corked = [];
    this.#gather(chunk);
    return !this.#full;
  }

  cork(): void {
    this.#corks++;
    this.#corked ??= [];
  }

  uncork(): void {
    if (--this.#corks > 0) return;
    const pieces = this.#corked ?? [];
    this.#corked = undefined;
    for (const piece of pieces) this.write(piece);
    if (this.#ending && !this.destroyed) this.#endNow();
  }

  end(): void {
    if (this.#ending || this.destroyed) return;
    this.#ending = true;
    if (this.#corked === undefined) this.#endNow();
  }

  destroy(): void { this.#socket.destroy(); }

  get destroyed(): boolean { return this.#socket.destroyed; }
  get memory(): Tier { return this.#tier; }
  get settled(): boolean { return !this.#busy && this.#corked === undefined && this.#queue.length === 0; }
  get bytesRead(): number { return this.#socket.bytesRead; }
  get bytesWritten(): number { return this.#socket.bytesWritten; }

  readonly #turnOver = (): void => {
    this.#scheduled = false;
    if (!this.#closed && !this.destroyed) this.#flush();
  };

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    turn.atEnd(this.#turnOver);
  }

  /** Copies bytes behind those that were passed on before; a buffer that is full is sent. */
  #gather(data: Buffer | string): void {
    const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
    for (let at = 0; at < bytes.length;) {
      const room = (this.#room ??= this.#tier.room());
      const copied = bytes.copy(room, this.#gathered, at);
      at += copied;
      this.#gathered += copied;
      if (this.#gathered === room.length) this.#enqueueRoom();
    }
  }

  /** What was gathered takes its place behind what was written before. */
  #enqueueRoom(): void {
    const room = this.#room;
    if (room === undefined) return;
    const data = room.subarray(0, this.#gathered);
    this.#room = undefined;
    this.#gathered = 0;
    this.#enqueue(data);
  }

  /** Goes out at the end of the turn, behind the write that is in flight, or now when that is over or there is much. False when too much waits. */
  #enqueue(data: Buffer | string): boolean {
    this.#queue.push(data);
    this.#queued += data.length;
    if (this.#busy) this.#full ||= this.#queued >= highWater;
    else if (turn.over || this.#queued >= highWater) this.#sendQueue();
    else this.#schedule();
    return !this.#full;
  }

  /** Sends what waits, as far as it may go now. */
  #flush(): void {
    this.#enqueueRoom();
    if (!this.#busy) this.#sendQueue();
  }

  /** Sends what waits: small pieces as one, large ones as they are, as copying one costs more than its place in a list. No write is in flight. */
  #sendQueue(): void {
    const queue = this.#queue;
    this.#queued = 0;
    if (queue.length === 1) this.#send(queue.pop() as Buffer | string);
    else if (queue.some(({ length }) => length > largePiece)) this.#sendPieces(queue.splice(0));
    else if (queue.length > 0) {
      const pieces = queue.splice(0);
      const data = joined(pieces);
      this.#releaseAll(pieces);
      this.#send(data);
    }
  }

  #send(data: Buffer | string): void {
    const request = this.#tier.request();
    const status = typeof data === 'string' ? this.#handle.writeLatin1String(request, data) : this.#handle.writeBuffer(request, data);
    if (this.#inFlight(status, request, data.length)) {
      if (typeof data !== 'string') request.data = data;
      request.oncomplete = (result) => {
        if (typeof data !== 'string') this.#tier.release(data);
        this.#onWritten(result);
      };
    } else if (typeof data !== 'string') this.#tier.release(data);
  }

  #sendPieces(pieces: readonly (Buffer | string)[]): void {
    const request = this.#tier.request();
    const status = this.#handle.writev(request, pieces.flatMap((piece) => [piece, 'latin1']), false);
    if (this.#inFlight(status, request, pieces.reduce((sum, { length }) => sum + length, 0))) {
      request.data = pieces;
      request.oncomplete = (result) => {
        this.#releaseAll(pieces);
        this.#onWritten(result);
      };
    } else this.#releaseAll(pieces);
  }

  #releaseAll(pieces: readonly (Buffer | string)[]): void {
    for (const piece of pieces) if (typeof piece !== 'string') this.#tier.release(piece);
  }

  /** Whether a write that was begun goes on; a request whose write is done, or could not be, may be used again. */
  #inFlight(status: number, request: WriteRequest, size: number): boolean {
    const { binding } = this.#tier;
    if (status === 0 && binding.streamBaseState[binding.kLastWriteWasAsync] !== 0) {
      this.#busy = true;
      this.#full ||= size > highWater;
      return true;
    }
    if (status === 0) this.#tier.spare = request;
    else this.#fail(status);
    return false;
  }

  #onWritten(status: number): void {
    this.#busy = false;
    if (this.#closed || this.destroyed) return;
    if (status < 0) {
      this.#fail(status);
      return;
    }
    this.#sendQueue();
    if (this.#busy) return;
    if (this.#full) {
      this.#full = false;
      this.#reader?.drain();
    }
    if (this.#ending && !this.#busy) this.#shutdown();
  }

  #endNow(): void {
    this.#flush();
    if (!this.#busy && !this.destroyed) this.#shutdown();
  }

  #onRead(): void {
    const tier = this.#tier;
    const { binding } = tier;
    const size = binding.streamBaseState[binding.kReadBytesOrError] as number;
    if (size > 0) {
      const reader = this.#reader;
      const lent = tier.lent(size);
      reader?.data(reader.borrows === true ? lent : Buffer.from(lent));
    } else if (size === endOfFile) {
      this.#ended = true;
      this.#reader?.end();
      this.#closeWhenDone();
    } else if (size < 0) this.#fail(size);
  }

  #shutdown(): void {
    this.#socket.end(() => this.#closeWhenDone());
  }

  /** Both directions are over. The stream cannot see it, as it does not read. */
  #closeWhenDone(): void {
    if (this.#ended && this.#socket.writableFinished && !this.destroyed) this.#socket.destroy();
  }

  #fail(status: number): void {
    this.#errorCode ??= getSystemErrorName(status);
    this.#socket.destroy();
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue.length = 0;
    this.#room = undefined;
    this.#reader?.close(this.#errorCode);
  }
}

/** Pieces as one: a string while all are strings, else bytes. */
function joined(pieces: readonly (Buffer | string)[]): Buffer | string {
  if (pieces.every((piece) => typeof piece === 'string')) return pieces.join('');
  return Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece)));
}
