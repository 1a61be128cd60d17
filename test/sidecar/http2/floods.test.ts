import { connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from 'vitest';
import { exchange, oneResponse, startEcho, startProxy } from '../http/proxy.ts';
import { block, frame, get, headers, parameter, post, preface, types, uint32 } from './raw.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => { for (const close of closing.splice(0)) await close(); });

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const memory = (): number => {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

const start = Buffer.concat([preface, frame(types.settings, 0, 0)]);
const many = (count: number, piece: Buffer): Buffer => Buffer.concat(Array.from({ length: count }, () => piece));
const streams = (count: number, each: (id: number) => Buffer): Buffer => Buffer.concat(Array.from({ length: count }, (_, index) => each(index * 2 + 1)));
const half = 'a'.repeat(16_000);

/** What a hostile client says again and again, without ever reading an answer. */
const floods: Readonly<Record<string, Buffer>> = {
  PING: many(5000, frame(types.ping, 0, 0, Buffer.alloc(8))),
  SETTINGS: many(5000, frame(types.settings, 0, 0, parameter(3, 1))),
  PRIORITY: many(5000, frame(types.priority, 0, 1, Buffer.alloc(5))),
  WINDOW_UPDATE: many(5000, frame(types.window, 0, 0, uint32(1))),
  'empty DATA': Buffer.concat([headers(1, post, false), many(5000, frame(types.data, 0, 1))]),
  CONTINUATION: Buffer.concat([frame(types.headers, 1, 1, block(...get)), many(5000, frame(types.continuation, 0, 1, block(['x', '1'])))]),
  'rapid resets': streams(3000, (id) => Buffer.concat([headers(id, post, false), frame(types.reset, 0, id, uint32(8))])),
  'resets of served requests': streams(3000, (id) => Buffer.concat([headers(id, get), frame(types.reset, 0, id, uint32(8))])),
  'streams that are refused': streams(3000, (id) => headers(id, post, false)),
  'bodies that nobody reads': Buffer.concat([streams(100, (id) => headers(id, post, false)), ...Array.from({ length: 60 }, (_, index) => frame(types.data, 0, (index % 100) * 2 + 1, half))]),
  'answers that nobody reads': streams(90, (id) => headers(id, get)),
  'unknown frames': many(5000, frame(0xfe, 0, 0, Buffer.alloc(100))),
};

/** Milliseconds that another connection may wait because of a flood. */
const patience = 300;
const median = (values: readonly number[]): number => values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;

describe('a flood costs its own connection at most', () => {
  for (const [name, bytes] of Object.entries(floods)) {
    it(name, async () => {
      const upstream = await startEcho((request) => `HTTP/1.1 200 OK\r\ncontent-length: ${request.includes('/fine') ? 2 : 200_000}\r\n\r\n${request.includes('/fine') ? 'ok' : 'x'.repeat(200_000)}`);
      const proxy = await startProxy({ clusters: { up: [upstream.port] } });
      closing.push(() => proxy.close(), () => upstream.close());
      const before = memory();
      const socket = connect({ port: proxy.port, host: '127.0.0.1' });
      socket.on('error', () => undefined);
      socket.pause();
      socket.write(start);
      const fine = async (): Promise<number> => {
        const started = performance.now();
        expect((await exchange(proxy.port, ['GET /fine HTTP/1.1\r\nHost: a\r\n\r\n'], oneResponse)).answer).toMatch(/^HTTP\/1\.1 200 /);
        return performance.now() - started;
      };
      const quiet: number[] = [];
      for (let round = 0; round < 10; round++) quiet.push(await fine());
      const during: number[] = [];
      let gone = false;
      socket.on('close', () => { gone = true; });
      for (let round = 0; round < 10 && !gone; round++) {
        socket.write(bytes);
        during.push(await fine());
      }
      // Client, proxy and upstream share this process and its machine: what others take of it, they take without a flood too.
      expect(median(during), `${during.map(Math.round).join(' ')}; without: ${quiet.map(Math.round).join(' ')}`).toBeLessThan(patience + median(quiet));
      const left = socket.writableLength;
      expect(memory() - before - left).toBeLessThan(32 * 1024 * 1024);
      socket.destroy();
    });
  }
});
