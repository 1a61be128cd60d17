import { expect, it } from 'vitest';
import * as fc from 'fast-check';
import { requestFields, responseFields } from '../../../src/sidecar/http2/fields.ts';
import { HpackDecoder } from '../../../src/sidecar/http2/hpack-decoder.ts';
import { HpackEncoder } from '../../../src/sidecar/http2/hpack-encoder.ts';
import { ProtocolError } from '../../../src/sidecar/http1/index.ts';

type Field = readonly [name: string, value: string];

const encoder = new HpackEncoder();
const encode = (fields: readonly Field[]): Buffer => Buffer.from(fields.map(([name, value]) => (name.startsWith(':') ? encoder.common(name, value) : encoder.field(name, value))).join(''), 'latin1');

function request(id: string, path = '/a', more: readonly Field[] = []): Field[] {
  return [[':method', 'GET'], [':scheme', 'https'], [':authority', 'reviews:9080'], [':path', path], ['user-agent', 'wrk'], ['x-request-id', id], ['x-envoy-peer-metadata-id', 'one~two'], ...more];
}

/** What a decoder and a judge make of a block. */
function made(decoder: HpackDecoder, bytes: Buffer, judge: typeof requestFields | typeof responseFields): unknown {
  const block = decoder.decode(bytes, 0, bytes.length);
  const { names, values, problem } = block;
  try {
    return { names: [...names], values: [...values], problem, judged: judge(block) };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { names: [...names], values: [...values], problem, error: error.details };
  }
}

it('knows a block again in which only some values are others', () => {
  const decoder = new HpackDecoder();
  const say = (fields: readonly Field[]) => { const bytes = encode(fields); return decoder.decode(bytes, 0, bytes.length); };
  expect(say(request('1')).variation).toBeUndefined();
  expect(say(request('1'))).toBe(say(request('1')));
  expect(say(request('22')).variation).toBeUndefined();
  const third = say(request('333'));
  expect(third.variation?.values).toEqual(['333']);
  expect(third.values).toEqual(request('333').map(([, value]) => value));
  expect(say(request('4', '/b')).variation).toBeUndefined();
  expect(say(request('5', '/c')).variation?.values).toEqual(['/c', '5']);
});

it('judges a path that is another as it would without a memory', () => {
  const decoder = new HpackDecoder();
  for (const path of ['/a', '/b', '/c']) expect(made(decoder, encode(request('1', path)), requestFields)).toEqual(made(new HpackDecoder(), encode(request('1', path)), requestFields));
  for (const path of ['', 'no-slash', '/with space', '/%00', `/${'x'.repeat(1000)}`]) expect(made(decoder, encode(request('1', path)), requestFields)).toEqual(made(new HpackDecoder(), encode(request('1', path)), requestFields));
});

it('makes of any sequence of blocks what it makes of each alone', () => {
  const value = fc.oneof(fc.constantFrom('', '1', '/', '/a?b=c', ' lead', 'trail ', 'a\x01b', 'trailers', 'gzip', 'reviews:9080', '12', '13', 'x'.repeat(126), 'x'.repeat(127), 'x'.repeat(300)), fc.string({ maxLength: 12 }).map((text) => text.replace(/[^\x20-\x7e]/g, '.')));
  const name = fc.constantFrom('x-request-id', 'cookie', 'te', 'host', 'content-length', 'expect', 'connection', 'x-a', ':path', ':method', ':status', 'accept');
  const fields = fc.array(fc.tuple(name, value), { maxLength: 4 });
  const blocks = fc.array(fc.record({ id: value, path: value, more: fields, response: fc.boolean() }), { minLength: 2, maxLength: 30 });
  fc.assert(fc.property(fields, blocks, (common, all) => {
    for (const judge of [requestFields, responseFields]) {
      const decoder = new HpackDecoder();
      for (const { id, path, more, response } of all) {
        const shape = judge === responseFields || response ? [[':status', '200'], ['date', id], ...common, ...more] as Field[] : [...request(id, path, common), ...more];
        const bytes = encode(shape);
        expect(made(decoder, bytes, judge)).toEqual(made(new HpackDecoder(), bytes, judge));
      }
    }
  }), { numRuns: 300 });
});

it('takes a value that is cut off or coded in Huffman for no variation', () => {
  const decoder = new HpackDecoder();
  for (const id of ['1', '2', '3']) made(decoder, encode(request(id)), requestFields);
  const bytes = encode(request('4'));
  for (let cut = 1; cut < bytes.length; cut++) {
    const piece = bytes.subarray(0, cut);
    let alone: unknown;
    try { alone = made(new HpackDecoder(), piece, requestFields); } catch (error) { alone = String(error); }
    let remembered: unknown;
    try { remembered = made(decoder, piece, requestFields); } catch (error) { remembered = String(error); }
    expect(remembered).toEqual(alone);
  }
  const at = bytes.indexOf('\x014', 0, 'latin1');
  const huffman = Buffer.concat([bytes.subarray(0, at), Buffer.from([0x81, 0x6b]), bytes.subarray(at + 2)]);
  expect(made(decoder, huffman, requestFields)).toEqual(made(new HpackDecoder(), huffman, requestFields));
});
