import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BodySink } from '../../../src/sidecar/hooks.ts';
import type { BodySource, IncomingBody } from '../../../src/sidecar/http1/body.ts';
import { BodyReader } from '../../../src/sidecar/http1/body-reader.ts';
import type { Framing } from '../../../src/sidecar/http1/fields.ts';
import { HeadCollector } from '../../../src/sidecar/http1/head-collector.ts';
import { ProtocolError } from '../../../src/sidecar/http1/protocol-error.ts';
import { parseRequestHead } from '../../../src/sidecar/http1/request-head.ts';

const source: BodySource = { memory: { hold: (chunk) => Buffer.from(chunk), release: () => undefined }, wanted: () => undefined, pause: () => undefined, resume: () => undefined, cancelled: () => undefined };

/** What a message comes to when its bytes arrive in these pieces: head, body, trailers and what is left, or the error. */
function read(pieces: readonly Buffer[]): unknown {
  const collector = new HeadCollector();
  const events: { head?: unknown; body: string; end?: unknown; left: string } = { body: '', left: '' };
  const sink: BodySink = { data: (chunk) => { events.body += chunk.toString('latin1'); return true; }, end: (trailers) => { events.end = [...(trailers?.entries() ?? [])]; }, error: () => undefined };
  let reader: BodyReader | undefined;
  try {
    for (const piece of pieces) {
      if (reader !== undefined) {
        const end = reader.feed(piece, 0);
        events.left += piece.toString('latin1', end);
        continue;
      }
      const complete = collector.add(piece);
      if (complete === undefined) continue;
      const { headers, framing, ...head } = parseRequestHead(complete.text, complete.buffer);
      events.head = { ...head, framing, headers: headers.pairs() };
      reader = new BodyReader(framing as Framing, source, complete.buffer, complete.offset, 1_000_000);
      (reader.body as IncomingBody).pipe(sink);
      events.left += complete.buffer.toString('latin1', reader.firstEnd);
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { error: error.status };
  }
  return events;
}

function split(bytes: Buffer, cuts: readonly number[]): readonly Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length)).filter(({ length }) => length > 0);
}

const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,12}$/).filter((text) => !/^(host|te|expect|upgrade|connection|keep-alive|content-length|proxy-connection|transfer-encoding)$/i.test(text));
const value = fc.stringMatching(/^[\x21-\x7e]?[\x20-\x7e]{0,20}[\x21-\x7e]?$/);
const fields = fc.array(fc.tuple(name, value), { maxLength: 6 }).map((list) => list.map(([key, text]) => `${key}: ${text}\r\n`).join(''));
const chunks = fc.array(fc.stringMatching(/^[ -~]{1,30}$/), { maxLength: 5 });
const message = fc.oneof(
  fc.tuple(fields, fc.stringMatching(/^[ -~]{0,60}$/)).map(([head, body]) => `POST /a HTTP/1.1\r\nHost: a\r\n${head}Content-Length: ${body.length}\r\n\r\n${body}`),
  fc.tuple(fields, chunks, fields).map(([head, parts, trailers]) => `POST /a HTTP/1.1\r\nHost: a\r\n${head}Transfer-Encoding: chunked\r\n\r\n${parts.map((part) => `${part.length.toString(16)};x\r\n${part}\r\n`).join('')}0\r\n${trailers}\r\n`),
);

describe('bytes mean the same however they are split', () => {
  it('for good messages and what follows them', () => {
    fc.assert(fc.property(message, fc.array(fc.nat(), { maxLength: 12 }), (text, cuts) => {
      const bytes = Buffer.from(`${text}GET /next`, 'latin1');
      expect(read(split(bytes, cuts))).toEqual(read([bytes]));
    }), { numRuns: 400 });
  });

  it('for a message that comes one byte at a time', () => {
    fc.assert(fc.property(message, (text) => {
      const bytes = Buffer.from(text, 'latin1');
      expect(read(split(bytes, [...bytes.keys()]))).toEqual(read([bytes]));
    }), { numRuns: 50 });
  });

  it('for damaged messages: none is taken for a good one', () => {
    fc.assert(fc.property(message, fc.nat(), fc.constantFrom('\n', '\r', '\0', ' ', ':', ';', '\r\n', '+'), fc.array(fc.nat(), { maxLength: 8 }), (text, place, damage, cuts) => {
      const at = place % text.length;
      const bytes = Buffer.from(text.slice(0, at) + damage + text.slice(at), 'latin1');
      const whole = read([bytes]);
      const parts = read(split(bytes, cuts));
      // A split one may be refused earlier, or wait for more; it never comes to something else that is complete.
      if ((parts as { end?: unknown }).end !== undefined) expect(parts).toEqual(whole);
    }), { numRuns: 600 });
  });

  it('for noise: never anything but a refusal or waiting', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(), { maxLength: 5 }), (noise, cuts) => {
      read(split(Buffer.from(noise), cuts));
    }), { numRuns: 500 });
  });
});
