import { expect, it } from 'vitest';
import { IncomingBody, ReadyBody, type BodySource } from '../../../src/sidecar/http1/body.ts';
import { BodyReader } from '../../../src/sidecar/http1/body-reader.ts';
import type { HeaderMap } from '../../../src/sidecar/hooks.ts';

it('keeps a large body that came with its head in memory that is used again', () => {
  const held: Buffer[] = [];
  const released: Uint8Array[] = [];
  const memory = { hold: (chunk: Buffer) => { held.push(Buffer.from(chunk)); return held.at(-1) as Buffer; }, release: (chunk: Uint8Array) => { released.push(chunk); } };
  const source: BodySource = { memory, wanted: () => undefined, pause: () => undefined, resume: () => undefined, cancelled: () => undefined };
  const read = Buffer.concat([Buffer.from('head'), Buffer.alloc(65_536, 'x'), Buffer.from('next')]);
  const reader = new BodyReader(65_536, source, read, 4, Number.MAX_SAFE_INTEGER);
  expect([reader.done, reader.firstEnd, reader.body instanceof IncomingBody]).toEqual([true, 65_540, true]);
  const taken: number[] = [];
  let ended: { readonly trailers: HeaderMap | undefined } | undefined;
  reader.body.pipe({ borrows: true, data: (chunk) => { taken.push(chunk.length); return true; }, end: (trailers) => { ended = { trailers }; }, error: (reason) => { throw new Error(reason); } });
  expect([taken, ended, held.length, released.length]).toEqual([[65_536], { trailers: undefined }, 1, 1]);
  expect(new BodyReader(1000, source, read, 4, Number.MAX_SAFE_INTEGER).body).toBeInstanceOf(ReadyBody);
});
