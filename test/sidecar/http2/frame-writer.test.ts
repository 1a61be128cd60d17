import { expect, it } from 'vitest';
import { FrameWriter } from '../../../src/sidecar/http2/frame-writer.ts';
import type { Link } from '../../../src/sidecar/link/index.ts';

it('gathers one write’s worth of content while the link has no room, and no more', () => {
  const written: number[] = [];
  const link = { settled: true, write: (data: Buffer | string) => { written.push(data.length); return false; } } as unknown as Link;
  const writer = new FrameWriter(link, (details) => { throw new Error(details); });
  const content = Buffer.alloc(16_384);
  const fill = (): number => {
    let frames = 0;
    for (; !writer.full && frames < 100; frames++) writer.data(1, content, 0, content.length, false);
    return frames;
  };
  // The first eight frames are enough for a write; as many again wait for room.
  expect(fill()).toBe(16);
  expect(written).toEqual([8 * (16_384 + 9)]);
  writer.drained();
  expect(written).toEqual([8 * (16_384 + 9), 8 * (16_384 + 9)]);
  expect(fill()).toBe(8);
  expect(written).toHaveLength(2);
});
