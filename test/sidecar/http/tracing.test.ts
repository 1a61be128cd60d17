import { afterEach, describe, expect, it } from 'vitest';
import { exchange, oneResponse, startEcho, startProxy, type TestProxyOptions } from './proxy.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => { for (const close of closing.splice(0)) await close(); });

const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const short = 'a3ce929d0e0e4736';
const span = '00f067aa0ba902b7';
const id = (version: string, first = '00000000'): string => `${first}-1111-${version}222-8333-444444444444`;

/** What the upstream is sent and what the record says, for a request with these headers. */
async function seen(headers: readonly string[], manager: TestProxyOptions['manager'] = {}, options: TestProxyOptions = {}) {
  const upstream = await startEcho(() => 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  const proxy = await startProxy({ clusters: { up: [upstream.port] }, manager, ...options });
  closing.push(() => proxy.close(), () => upstream.close());
  const { answer } = await exchange(proxy.port, [`GET /a HTTP/1.1\r\nHost: a\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`], oneResponse);
  const sent = upstream.received[0] ?? '';
  return { answer, record: await proxy.record(), header: (name: string): string | undefined => new RegExp(`^${name}: (.*)\\r$`, 'im').exec(sent)?.[1], count: (name: string): number => sent.match(new RegExp(`^${name}:`, 'gim'))?.length ?? 0 };
}

const sampling = (value: number): TestProxyOptions['manager'] => ({ tracing: { randomSampling: { value } } });

describe('what was decided before is respected', () => {
  it.each([
    ['W3C, sampled', [`traceparent: 00-${trace}-${span}-01`], 0, true],
    ['W3C, not sampled', [`traceparent: 00-${trace}-${span}-00`], 100, false],
    ['B3 in one header, not sampled', [`b3: ${trace}-${span}-0`], 100, false],
    ['B3 in one header, debug', [`b3: ${trace}-${span}-d`], 0, true],
    ['B3 that leaves it to us', [`b3: ${trace}-${span}`], 0, false],
    ['B3 in several headers', [`x-b3-traceid: ${trace}`, `x-b3-spanid: ${span}`, 'x-b3-sampled: 1'], 0, true],
    ['B3 without ids: no', ['b3: 0'], 100, false],
    ['B3 without ids: yes', ['x-b3-sampled: 1'], 0, true],
    ['B3 debug by flags', [`x-b3-traceid: ${trace}`, `x-b3-spanid: ${span}`, 'x-b3-flags: 1'], 0, true],
    ['an id that says sampled', [`x-request-id: ${id('9', 'ffffffff')}`], 0, true],
    ['an id that says forced', [`x-request-id: ${id('a', 'ffffffff')}`], 0, true],
    ['a service that forces it', ['x-envoy-force-trace: 1'], 0, true],
    ['a client that joins it', ['x-client-trace-id: mine'], 0, true],
    ['nobody, and no sampling', [], 0, false],
    ['nobody, and all are sampled', [], 100, true],
  ] as const)('%s', async (_name, headers, share, expected) => {
    const { record, header } = await seen(headers, sampling(share));
    expect(record.sampled).toBe(expected);
    expect(header('traceparent')).toBe(`00-${record.traceId}-${record.spanId}-${expected ? '01' : '00'}`);
    expect(header('x-b3-sampled')).toBe(expected ? '1' : '0');
  });
});

describe('sampling', () => {
  it.each([[id('4', '00000000'), 50, true], [id('4', '00001387'), 50, true], [id('4', '00001388'), 50, false], [id('4', '0000270f'), 99.99, false], [id('4', '0000270e'), 99.99, true]])('is a function of the id: %s at %d %%', async (given, share, expected) => {
    expect((await seen([`x-request-id: ${given}`], sampling(share))).record.sampled).toBe(expected);
  });

  it('is drawn for ids that are no UUIDs, which stay as they are', async () => {
    const { record, header } = await seen(['x-request-id: mine'], sampling(50), { random: () => 0.4 });
    expect([record.sampled, header('x-request-id')]).toEqual([true, 'mine']);
    expect((await seen(['x-request-id: mine'], sampling(50), { random: () => 0.6 })).record.sampled).toBe(false);
  });

  it('says in the id what was decided, so that the next proxy does not draw again', async () => {
    expect((await seen([`x-request-id: ${id('4')}`], sampling(100))).header('x-request-id')).toBe(id('9'));
    expect((await seen([`x-request-id: ${id('9')}`], sampling(0))).header('x-request-id')).toBe(id('9'));
    const unmarked = await seen([`x-request-id: ${id('9')}`], { tracing: { randomSampling: { value: 0 } }, requestIdExtension: { typedConfig: { '@type': 'x', useRequestIdForTraceSampling: false } as object } });
    expect([unmarked.record.sampled, unmarked.header('x-request-id')]).toEqual([false, id('4')]);
  });
});

describe('trace headers', () => {
  it('keep a trace id of 64 bits in B3 and fill it up in traceparent', async () => {
    const { record, header } = await seen([`x-b3-traceid: ${short}`, `x-b3-spanid: ${span}`, 'x-b3-sampled: 1']);
    expect(record).toMatchObject({ traceId: `0000000000000000${short}`, parentSpanId: span });
    expect(header('x-b3-traceid')).toBe(short);
    expect(header('traceparent')).toBe(`00-0000000000000000${short}-${record.spanId}-01`);
  });

  it('pass tracestate and baggage on, with a trace that goes on', async () => {
    const { header } = await seen([`traceparent: 00-${trace}-${span}-01`, 'tracestate: vendor=1', 'baggage: user=jason']);
    expect([header('tracestate'), header('baggage')]).toEqual(['vendor=1', 'user=jason']);
  });

  it.each([
    ['one that does not read', [`traceparent: 00-${trace}-xx-01`]], ['a zero trace id', [`traceparent: 00-${'0'.repeat(32)}-${span}-01`]],
    ['version ff', [`traceparent: ff-${trace}-${span}-01`]], ['more than version 00 has', [`traceparent: 00-${trace}-${span}-01-more`]], ['two of them', [`traceparent: 00-${trace}-${span}-01`, `traceparent: 00-${trace}-${span}-01`]],
  ])('start a new trace after %s, without the old one’s state', async (_name, lines) => {
    const { record, header, count } = await seen([...lines, 'tracestate: vendor=1', 'baggage: user=jason']);
    expect(record.traceId).not.toBe(trace);
    expect(record.parentSpanId).toBe('');
    expect([count('traceparent'), header('tracestate'), header('baggage')]).toEqual([1, undefined, 'user=jason']);
  });

  it('take a later version for what this one reads of it', async () => {
    expect((await seen([`traceparent: 01-${trace}-${span}-03-more`])).record).toMatchObject({ traceId: trace, parentSpanId: span, sampled: true });
  });

  it('keep the flag for random ids', async () => {
    expect((await seen([`traceparent: 00-${trace}-${span}-03`])).header('traceparent')).toMatch(/-03$/);
  });

  it('pass as they are through a proxy that makes no spans', async () => {
    const given = `00-${trace}-${span}-01`;
    const { record, header } = await seen([`traceparent: ${given}`, 'b3: 0'], { tracing: undefined as never });
    expect([header('traceparent'), header('b3'), header('x-b3-traceid')]).toEqual([given, '0', undefined]);
    expect(record).toMatchObject({ traceId: trace, sampled: false, parentSpanId: '' });
    expect((await seen([], { tracing: undefined as never })).record).toMatchObject({ traceId: '', spanId: '', sampled: false });
  });

  it('are not written where the rules say so, though the span is made', async () => {
    const { record, count } = await seen([], { tracing: { noContextPropagation: true } as object });
    expect([record.sampled, record.spanId.length, count('traceparent'), count('x-b3-traceid')]).toEqual([true, 16, 0, 0]);
  });
});

describe('the request’s id', () => {
  it('of a caller outside of the mesh is replaced, unless the manager believes it', async () => {
    const edge: TestProxyOptions = { context: { edge: true } };
    const given = `x-request-id: ${id('9')}`;
    expect((await seen([given], { useRemoteAddress: true }, edge)).header('x-request-id')).not.toBe(id('9'));
    expect((await seen([given], { useRemoteAddress: true, preserveExternalRequestId: true }, edge)).header('x-request-id')).toBe(id('9'));
    expect((await seen(['x-envoy-force-trace: 1'], { useRemoteAddress: true, ...sampling(0) }, edge)).record.sampled).toBe(false);
  });

  it('comes back with the answer when a trace was forced', async () => {
    expect((await seen(['x-envoy-force-trace: 1'])).answer).toMatch(/^x-request-id: [0-9a-f-]{36}\r$/m);
    expect((await seen([])).answer).not.toMatch(/x-request-id/);
  });
});

it('gives spans the tags that the rules ask for', async () => {
  const customTags = [
    { tag: 'stage', literal: { value: 'test' } }, { tag: 'user', requestHeader: { name: 'End-User', defaultValue: 'nobody' } }, { tag: 'namespace', environment: { name: 'POD_NAMESPACE' } },
    { tag: 'missing', environment: { name: 'HOME', defaultValue: 'none' } }, { tag: 'empty', requestHeader: { name: 'x-none' } }, { tag: 'code', value: '%REQ(:METHOD)% gave %RESPONSE_CODE%' },
  ];
  expect((await seen(['end-user: jason'], { tracing: { customTags } })).record.tags).toEqual({ stage: 'test', user: 'jason', namespace: 'default', missing: 'none', code: 'GET gave 200' });
  expect((await seen([], { tracing: { customTags, randomSampling: { value: 0 } } })).record.tags).toBeUndefined();
});
