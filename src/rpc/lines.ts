import type { Duplex } from 'node:stream';
import { closeSignal, type Channel } from './channel.ts';
import { createOutbox } from './outbox.ts';

/** Bounds of one NDJSON connection; a peer that breaks them is cut off. */
export interface LineLimits {
  /** Bytes in one line. */
  readonly maxLine: number;
  /** Bytes that may wait for a peer that does not read. */
  readonly maxBuffered: number;
}

export const defaultLineLimits: LineLimits = { maxLine: 16 * 1024 * 1024, maxBuffered: 64 * 1024 * 1024 };

const lineFeed = 10;
const lineEnd = Buffer.from('\n');

/**
 * Cuts a byte stream into lines. Returns the function that takes chunks: it says `false` once a line is too long.
 * Bytes are joined once per line, so that many small chunks cost no more than one big one.
 */
export function lineSplitter(maxLine: () => number, onLine: (line: string) => void): (chunk: Buffer) => boolean {
  let parts: Buffer[] = [];
  let size = 0;
  return (chunk) => {
    let start = 0;
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, start)) {
      const last = chunk.subarray(start, end);
      if (size + last.length > maxLine()) return false;
      const line = parts.length === 0 ? last.toString('utf8') : Buffer.concat([...parts, last]).toString('utf8');
      parts = [];
      size = 0;
      start = end + 1;
      if (line !== '') onLine(line);
    }
    if (start < chunk.length) {
      parts.push(chunk.subarray(start));
      size += chunk.length - start;
    }
    return size <= maxLine();
  };
}

/** A channel over a socket whose longest line can change, e.g. once the peer has said who it is. */
export interface LineChannel extends Channel {
  setMaxLine(bytes: number): void;
  /** Sends a message that is there in pieces of UTF-8, without putting them together. */
  sendPieces(pieces: readonly Uint8Array[]): void;
}

/** A channel over a socket, one message a line. The socket is destroyed when its peer breaks the limits. */
export function lineChannel(socket: Duplex, limits: LineLimits = defaultLineLimits): LineChannel {
  let maxLine = limits.maxLine;
  const closing = closeSignal();
  const outbox = createOutbox(socket);
  const listeners: ((line: string) => void)[] = [];
  const split = lineSplitter(() => maxLine, (line) => {
    if (!socket.destroyed) for (const listener of listeners) listener(line);
  });
  socket.on('data', (chunk: Buffer) => { if (!split(chunk)) socket.destroy(); });
  // The reason does not matter here: `close` follows every error.
  socket.on('error', () => socket.destroy());
  socket.on('end', () => socket.destroy());
  socket.on('close', closing.fire);
  if (socket.destroyed) closing.fire();
  /** A peer that does not read is cut off. */
  const writable = (): boolean => {
    if (socket.destroyed) return false;
    if (socket.writableLength + outbox.waiting > limits.maxBuffered) socket.destroy();
    return !socket.destroyed;
  };
  return {
    setMaxLine: (bytes) => { maxLine = bytes; },
    send: (message) => { if (writable()) outbox.put(Buffer.from(`${message}\n`)); },
    sendPieces: (pieces) => { if (writable()) outbox.put(...pieces, lineEnd); },
    onMessage: (listener) => { listeners.push(listener); },
    onClose: closing.listen,
    close: () => {
      // What was written still goes out; a peer that does not take it within a second is cut off.
      outbox.end();
      setTimeout(() => socket.destroy(), 1000).unref();
    },
  };
}
