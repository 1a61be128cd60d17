import { connect } from 'node:http2';
import fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import type { BodySink, HttpResponse } from '../../../src/sidecar/hooks.ts';
import type { ServerSession } from '../../../src/sidecar/http1/index.ts';
import { Http2Server } from '../../../src/sidecar/http2/index.ts';
import type { Link, LinkReader } from '../../../src/sidecar/link/index.ts';
import { realClock, startEcho, startProxy } from '../http/proxy.ts';
import { block, frame, headers, post, preface, types, uint32 } from './raw.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => { for (const close of closing.splice(0)) await close(); });

const nobody = { ip: '127.0.0.1', port: 1 };

/** A link whose other end is the test. */
class TestLink implements Link {
  reader: LinkReader | undefined;
  destroyed = false;
  readonly settled = true;
  readonly memory = { hold: (chunk: Buffer): Buffer => Buffer.from(chunk), release: (chunk: Uint8Array): void => { chunk.fill(63); } };
  readonly remote = nobody;
  readonly local = nobody;
  readonly bytesRead = 0;
  readonly bytesWritten = 0;
  read(reader: LinkReader): void { this.reader = reader; }
  pause(): void { /* the test never stops */ }
  resume(): void { /* the test never stops */ }
  unread(): void { /* nothing was read */ }
  write(): boolean { return true; }
  pass(): boolean { return true; }
  cork(): void { /* nothing is sent */ }
  uncork(): void { /* nothing is sent */ }
  end(): void { this.destroyed = true; }
  destroy(): void { this.destroyed = true; }
}

/** What the codec tells of bytes that come in these pieces. */
function read(pieces: readonly Buffer[]): unknown {
  const events: unknown[] = [];
  const invalid: string[] = [];
  const session: ServerSession = {
    open(head, body) {
      const event = { method: head.method, path: head.path, authority: head.authority, headers: head.headers.pairs(), body: '', end: undefined as unknown };
      events.push(event);
      const sink: BodySink = { data: (chunk) => { event.body += chunk.toString('latin1'); return true; }, end: (trailers) => { event.end = [...(trailers?.entries() ?? [])]; }, error: () => { event.end = 'error'; } };
      body.pipe(sink);
      return { response: new Promise<HttpResponse>(() => undefined), finalize: (response) => response, aborted: () => undefined, sent: () => undefined, broken: () => undefined };
    },
    invalid: ({ details }) => { invalid.push(details); },
  };
  const link = new TestLink();
  const limits = { headTimeout: 0, idleTimeout: 0, bodyIdleTimeout: 0, maxBody: 1e9, streamWindow: 65_536, connectionWindow: 1_048_576, maxConcurrentStreams: 100 };
  const server = new Http2Server(link, session, limits, realClock);
  server.start();
  for (const piece of pieces) {
    const lent = Buffer.from(piece);
    link.reader?.data(lent);
    // Another read overwrites it.
    lent.fill('?');
  }
  const { destroyed } = link;
  link.reader?.close(undefined);
  return { events, invalid, destroyed };
}

function split(bytes: Buffer, cuts: readonly number[]): readonly Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length)).filter(({ length }) => length > 0);
}

const fields = fc.array(fc.tuple(fc.stringMatching(/^x-[a-z]{1,8}$/), fc.stringMatching(/^[!-~]{0,20}$/)), { maxLength: 5 });
const data = fc.array(fc.stringMatching(/^[ -~]{1,40}$/), { maxLength: 4 });

/** One request as frames: its block cut in two at will, DATA with and without padding, trailers or not. */
const request = fc.tuple(fields, data, fc.option(fields, { nil: undefined }), fc.nat(60), fc.boolean()).map(([head, parts, trailers, cut, padded]) => (id: number): Buffer[] => {
  const bytes = block(...post, ...head);
  const at = Math.min(cut, bytes.length);
  const body = parts.map((part) => (padded ? frame(types.data, 8, id, Buffer.concat([Buffer.from([3]), Buffer.from(part), Buffer.alloc(3)])) : frame(types.data, 0, id, part)));
  const end = trailers === undefined || trailers.length === 0 ? frame(types.data, 1, id) : headers(id, trailers);
  return [Buffer.concat([frame(types.headers, 0, id, bytes.subarray(0, at)), frame(types.continuation, 4, id, bytes.subarray(at))]), ...body, end];
});

/** Requests whose frames are dealt in turn, and frames between them that change nothing. */
const conversation = fc.array(request, { minLength: 1, maxLength: 4 }).map((requests) => {
  const streams = requests.map((make, index) => make(index * 2 + 1));
  const frames: Buffer[] = streams.map((stream) => stream.shift() as Buffer);
  while (streams.some(({ length }) => length > 0)) for (const stream of streams) frames.push(...stream.splice(0, 1), frame(types.ping, 0, 0, Buffer.alloc(8)));
  return Buffer.concat([preface, frame(types.settings, 0, 0), ...frames, frame(types.window, 0, 0, uint32(1))]);
});

it('bytes mean the same however they are split', () => {
  fc.assert(fc.property(conversation, fc.array(fc.nat(), { maxLength: 20 }), (bytes, cuts) => { expect(read(split(bytes, cuts))).toEqual(read([bytes])); }), { numRuns: 300 });
  fc.assert(fc.property(conversation, (bytes) => { expect(read(split(bytes, [...bytes.keys()]))).toEqual(read([bytes])); }), { numRuns: 30 });
});

it('damaged bytes never become a request with a line break in it, and never crash', () => {
  fc.assert(fc.property(conversation, fc.nat(), fc.nat(255), fc.array(fc.nat(), { maxLength: 8 }), (bytes, place, byte, cuts) => {
    const damaged = Buffer.from(bytes);
    damaged[place % damaged.length] = byte;
    const { events } = read(split(damaged, cuts)) as { events: readonly { readonly path: string; readonly headers: readonly (readonly [string, string])[] }[] };
    for (const event of events) expect([event.path, ...event.headers.flat()].every((text) => !/[\r\n\0]/.test(text))).toBe(true);
  }), { numRuns: 500 });
});

it('reads the Huffman code and the tables of another implementation', async () => {
  const upstream = await startEcho(() => 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
  const proxy = await startProxy({ clusters: { up: [upstream.port] } });
  const session = connect(`http://127.0.0.1:${proxy.port}`);
  closing.push(() => { session.destroy(); }, () => proxy.close(), () => upstream.close());
  const every = String.fromCharCode(...Array.from({ length: 256 }, (_, code) => code).filter((code) => code > 0x20 && code !== 0x7f && code < 0x80));
  for (let round = 0; round < 5; round++) {
    const values = fc.sample(fc.stringMatching(/^[!-~]{1,40}$/), { numRuns: 40, seed: round });
    const sent = Object.fromEntries([every, ...values].map((value, index) => [`x-${index % 20}-${round < 2 ? 0 : round}-${index}`, value]));
    await new Promise<void>((resolve, reject) => { session.request({ ':path': `/${round}`, ...sent }).on('response', () => { resolve(); }).on('error', reject).resume(); });
    const seen = upstream.received.join('');
    for (const [name, value] of Object.entries(sent)) expect(seen).toContain(`${name}: ${value}\r\n`);
  }
});
