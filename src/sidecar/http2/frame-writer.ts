import { turn, type Link } from '../link/index.ts';
import { flag, frameType, maxFrameSize } from './protocol.ts';

/** Most frames that may wait for a peer who does not read, and most of them that only answer its own: Envoy's defaults. */
const maxWaiting = 10_000;
const maxWaitingControl = 1000;
const firstSlab = 4096;
/** Slabs that are used again: so many, and none above this size. */
const mostKept = 3;
const largestKept = 512 * 1024;
/** What is gathered before it is written without waiting for the end of the turn. */
const enough = 128 * 1024;
const none = Buffer.alloc(0);

/** Gathers frames and writes them once per turn of the event loop. */
export class FrameWriter {
  /** The link has no room. */
  #blocked = false;
  readonly #link: Link;
  readonly #flooded: (details: string) => void;
  #slab: Buffer = none;
  /** Slabs that the link was given, and those that came back when it had written all. */
  #lent: Buffer[] = [];
  #free: Buffer[] = [];
  #used = 0;
  #scheduled = false;
  #waiting = 0;
  #control = 0;
  /** Where the flags of the last frame stand, when that is a DATA frame which is not written yet; and whose it is. */
  #lastData = -1;
  #lastStream = 0;
  readonly #turnOver = (): void => {
    this.#scheduled = false;
    if (!this.#blocked) this.flush();
  };

  /** `flooded` is called, with the details, when the peer makes us say more than it reads; whoever writes is not interrupted. */
  constructor(link: Link, flooded: (details: string) => void) {
    this.#link = link;
    this.#flooded = flooded;
  }

  /** Only frames that cannot wait should be added. While the link has no room, as much is gathered for it as is written in one go. */
  get full(): boolean { return this.#blocked && this.#used >= enough; }

  /** Text that stands before the first frame. */
  raw(text: string): void {
    this.#room(text.length);
    this.#used += this.#slab.write(text, this.#used, 'latin1');
    this.#schedule();
  }

  /** A header block in as many frames as it takes. */
  headers(id: number, block: string, end: boolean): void {
    const { length } = block;
    const first = Math.min(length, maxFrameSize);
    this.#frame(first, frameType.headers, (end ? flag.endStream : 0) | (first === length ? flag.endHeaders : 0), id);
    this.#used += this.#slab.write(first === length ? block : block.slice(0, first), this.#used, 'latin1');
    for (let at = first; at < length; at += maxFrameSize) {
      const piece = block.slice(at, at + maxFrameSize);
      this.#frame(piece.length, frameType.continuation, at + maxFrameSize >= length ? flag.endHeaders : 0, id);
      this.#used += this.#slab.write(piece, this.#used, 'latin1');
    }
  }

  /** A DATA frame with the bytes from `start` to `end`. */
  data(id: number, bytes: Buffer, start: number, end: number, last: boolean): void {
    this.#frame(end - start, frameType.data, last ? flag.endStream : 0, id);
    bytes.copy(this.#slab, this.#used, start, end);
    this.#used += end - start;
    this.#lastData = this.#used - (end - start) - 5;
    this.#lastStream = id;
    if (this.#used >= enough && !this.#blocked) this.flush();
  }

  /** The same for content that is text, a character a byte. */
  text(id: number, content: string, last: boolean): void {
    this.#frame(content.length, frameType.data, last ? flag.endStream : 0, id);
    this.#used += this.#slab.write(content, this.#used, 'latin1');
  }

  /** Ends a stream: on its last DATA frame while that is here, else by an empty one. */
  endStream(id: number): void {
    if (this.#lastData >= 0 && this.#lastStream === id) this.#slab[this.#lastData] = flag.endStream;
    else this.#frame(0, frameType.data, flag.endStream, id);
    this.#lastData = -1;
  }

  /** SETTINGS with pairs of identifier and value. */
  settings(pairs: readonly (readonly [id: number, value: number])[]): void {
    this.#frame(pairs.length * 6, frameType.settings, 0, 0);
    for (const [id, value] of pairs) {
      this.#used = this.#slab.writeUInt16BE(id, this.#used);
      this.#uint32(value);
    }
  }

  settingsAck(): void {
    this.#answer(0, frameType.settings, flag.ack, 0);
  }

  /** PING with the eight bytes that stand at `start`. */
  ping(bytes: Buffer, start: number, ack: boolean): void {
    this.#answer(8, frameType.ping, ack ? flag.ack : 0, 0);
    bytes.copy(this.#slab, this.#used, start, start + 8);
    this.#used += 8;
  }

  reset(id: number, code: number): void {
    this.#answer(4, frameType.reset, 0, id);
    this.#uint32(code);
  }

  windowUpdate(id: number, increment: number): void {
    this.#frame(4, frameType.windowUpdate, 0, id);
    this.#uint32(increment);
  }

  goaway(lastId: number, code: number, text = ''): void {
    this.#frame(8 + text.length, frameType.goaway, 0, 0);
    this.#uint32(lastId);
    this.#uint32(code);
    this.#used += this.#slab.write(text, this.#used, 'latin1');
  }

  /** The link has room again. */
  drained(): void {
    this.#blocked = false;
    this.flush();
  }

  /** Writes what there is now. */
  flush(): void {
    const used = this.#used;
    this.#lastData = -1;
    if (used === 0) return;
    this.#used = 0;
    this.#takeBack();
    this.#blocked = !this.#link.write(this.#slab.subarray(0, used));
    if (!this.#link.settled) {
      this.#lent.push(this.#slab);
      this.#slab = none;
    }
    if (!this.#blocked) this.#waiting = this.#control = 0;
  }

  #answer(length: number, type: number, flags: number, id: number): void {
    if (++this.#control === maxWaitingControl + 1 && this.#blocked) setImmediate(this.#flooded, 'http2.outbound_control_frames_flood');
    this.#frame(length, type, flags, id);
  }

  #frame(length: number, type: number, flags: number, id: number): void {
    if (++this.#waiting === maxWaiting + 1 && this.#blocked) setImmediate(this.#flooded, 'http2.outbound_frames_flood');
    this.#room(length + 9);
    const slab = this.#slab;
    const at = this.#used;
    slab[at] = length >>> 16;
    slab[at + 1] = length >>> 8;
    slab[at + 2] = length;
    slab[at + 3] = type;
    slab[at + 4] = flags;
    slab[at + 5] = id >>> 24;
    slab[at + 6] = id >>> 16;
    slab[at + 7] = id >>> 8;
    slab[at + 8] = id;
    this.#used = at + 9;
    this.#lastData = -1;
    this.#schedule();
  }

  #uint32(value: number): void {
    this.#used = this.#slab.writeUInt32BE(value, this.#used);
  }

  #room(bytes: number): void {
    const needed = this.#used + bytes;
    if (needed <= this.#slab.length) return;
    const larger = this.#back(needed) ?? Buffer.allocUnsafeSlow(Math.max(firstSlab, needed, this.#slab.length * 2));
    this.#slab.copy(larger, 0, 0, this.#used);
    this.#slab = larger;
  }

  /** A slab that has come back and is large enough. */
  #back(needed: number): Buffer | undefined {
    this.#takeBack();
    const large = this.#free.findIndex(({ length }) => length >= needed);
    return large < 0 ? undefined : this.#free.splice(large, 1)[0];
  }

  #takeBack(): void {
    if (this.#lent.length === 0 || !this.#link.settled) return;
    this.#free = [...this.#lent, ...this.#free].filter(({ length }) => length <= largestKept).slice(0, mostKept);
    this.#lent = [];
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    turn.atEnd(this.#turnOver);
  }
}
