import type { Memory } from './link.ts';

/** What a libuv stream (TCP or TLS) offers below Node's streams. Source: Node, src/stream_base.cc. */
export interface StreamHandle {
  onread: () => void;
  reading: boolean;
  readStart(): number;
  readStop(): number;
  useUserBuffer(buffer: Uint8Array): void;
  writeBuffer(request: WriteRequest, data: Uint8Array): number;
  writeLatin1String(request: WriteRequest, data: string): number;
  /** Pieces and their encodings in turn, in one call of the system. */
  writev(request: WriteRequest, pieces: readonly (Uint8Array | string)[], allBuffers: boolean): number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

export interface WriteRequest {
  oncomplete?: (this: WriteRequest, status: number) => void;
  /** Kept alive until the write is done. */
  data?: Uint8Array | readonly (Uint8Array | string)[] | undefined;
}

interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest;
  readonly streamBaseState: Int32Array;
  readonly kReadBytesOrError: number;
  readonly kLastWriteWasAsync: number;
}

/** Bytes of one buffer that is used again and again: a body of 64 KB and its head are one read and one write. */
const roomSize = 73_728;
/** Buffers that are kept for later: three megabytes, once so many were in use at a time. */
const mostSpare = 42;
/** Reads up to this size are lent by a view that is used again. */
const viewsBelow = 2048;
/** Bytes from this size on are held in a buffer of ours. */
const worthHolding = 8192;

/** What all links on handles share: the binding, and the memory that bytes pass through without any being allocated. */
export class Tier implements Memory {
  readonly binding: StreamBinding;
  /** Filled by every read; the next read overwrites it. */
  readonly scratch = Buffer.allocUnsafeSlow(roomSize);
  /** A request that nobody uses: a write that is done at once leaves its own behind. Making one costs more than most writes. */
  spare: WriteRequest | undefined;
  readonly #rooms: Buffer[] = [];
  readonly #ours = new WeakSet<ArrayBufferLike>();

  readonly #views = new Array<Buffer | undefined>(viewsBelow);

  constructor(binding: StreamBinding) {
    this.binding = binding;
  }

  /** The binding, when this Node has it. */
  static find(): Tier | undefined {
    const open = (process as unknown as { readonly binding?: (name: string) => StreamBinding }).binding;
    const binding = open?.call(process, 'stream_wrap');
    return binding?.WriteWrap === undefined || binding.streamBaseState === undefined ? undefined : new Tier(binding);
  }

  /** A request for a write: the one that nobody uses, or a new one. */
  request(): WriteRequest {
    const request = this.spare ?? new this.binding.WriteWrap();
    this.spare = undefined;
    return request;
  }

  /** What the last read has put into {@link Tier.scratch}. */
  lent(size: number): Buffer {
    if (size >= viewsBelow) return this.scratch.subarray(0, size);
    return (this.#views[size] ??= this.scratch.subarray(0, size));
  }

  /** A buffer to gather bytes in. */
  room(): Buffer {
    const spare = this.#rooms.pop();
    if (spare !== undefined) return spare;
    const made = Buffer.allocUnsafeSlow(roomSize);
    this.#ours.add(made.buffer);
    return made;
  }

  hold(chunk: Buffer): Buffer {
    if (chunk.length < worthHolding || chunk.length > roomSize) return Buffer.from(chunk);
    const room = this.room();
    return room.subarray(0, chunk.copy(room));
  }

  release(data: Uint8Array): void {
    if (this.#rooms.length < mostSpare && this.#ours.has(data.buffer)) this.#rooms.push(Buffer.from(data.buffer as ArrayBuffer));
  }
}
