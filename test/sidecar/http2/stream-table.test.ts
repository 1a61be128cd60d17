import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StreamTable } from '../../../src/sidecar/http2/stream-table.ts';
import { Http2Stream, type StreamHost } from '../../../src/sidecar/http2/stream.ts';
import type { Sender } from '../../../src/sidecar/http2/sender.ts';

const host: StreamHost = { sender: {} as Sender, memory: { hold: (chunk) => chunk, release: () => undefined }, consumed: () => undefined, allow: () => undefined, finished: () => undefined };

test('finds the streams that are open, however many were and whichever ended', () => {
  fc.assert(fc.property(fc.array(fc.oneof(fc.constant('open' as const), fc.nat(300)), { maxLength: 600 }), (steps) => {
    const table = new StreamTable('client');
    const open = new Map<number, Http2Stream>();
    for (const step of steps) {
      if (step === 'open') {
        const stream = new Http2Stream(table.nextId(), host, 0, 0, 0);
        table.add(stream);
        open.set(stream.id, stream);
      } else {
        const ended = [...open.values()][step % Math.max(1, open.size)];
        if (ended === undefined) continue;
        table.delete(ended);
        table.delete(ended);
        open.delete(ended.id);
        expect(table.get(ended.id)).toBeUndefined();
      }
      expect(table.size).toBe(open.size);
    }
    expect(table.all().map(({ id }) => id)).toEqual([...open.keys()]);
    for (const [id, stream] of open) expect(table.get(id)).toBe(stream);
  }), { numRuns: 50 });
});

test('finds each of many streams at once', () => {
  const table = new StreamTable('client');
  const streams = Array.from({ length: 1000 }, () => new Http2Stream(table.nextId(), host, 0, 0, 0));
  for (const stream of streams) table.add(stream);
  for (const stream of streams) expect(table.get(stream.id)).toBe(stream);
  for (const stream of streams) table.delete(stream);
  expect(table.size).toBe(0);
  expect(table.all()).toEqual([]);
});
