import { afterEach, expect, it } from 'vitest';
import { standInFor } from '../../src/workloads/catalog.ts';
import { callGrpc, specialMessage } from '../e2e/support/call-grpc.ts';
import { callWebSocket } from '../e2e/support/call-websocket.ts';
import { standIn, type Started } from './start.ts';

let started: Started | undefined;
afterEach(async () => { await started?.stop(); });

it('grpcbin answers every kind of call, and says which ones were cancelled', async () => {
  started = await standIn(standInFor('moul/grpcbin')?.name ?? '');
  const calls = await callGrpc(`127.0.0.1:${started.port()}`, 'grpcbin');
  expect(Object.values(calls).filter(({ code }) => code === 0)).toHaveLength(7);
  expect(calls).toMatchObject({
    'special status': { code: 2, details: specialMessage, initial: ['head'], trailing: ['0001abff'] }, 'client stream': { messages: ['100004 cc'] }, 'unimplemented method': { code: 12 },
    'status 16': { code: 16, details: 'reason 16' }, 'server stream': { messages: Array.from({ length: 10 }, () => '65540 ss') },
  });
  await expect.poll(() => started?.log).toEqual(expect.arrayContaining(['NoResponseUnary was cancelled', 'DummyBidirectionalStreamStream was cancelled']));
});

it('the WebSocket echo sends back what it hears, and says over HTTP what it was asked', async () => {
  started = await standIn(standInFor('docker.io/jmalloc/echo-server:0.3.7')?.name ?? '', { HOSTNAME: 'pod-1' });
  expect(await callWebSocket(`ws://127.0.0.1:${started.port()}/x`, 'sockets')).toEqual({ status: 101, protocol: 'first', greeting: 'Request served by pod-1', text: true, binary: true, pong: 'are you there', closed: 4001 });
  const answer = await started.get('/y?z=1', { method: 'POST', body: 'hello' });
  expect(await answer.text()).toMatch(/^Request served by pod-1\n\nPOST \/y\?z=1 HTTP\/1\.1\n\n[^]*\n\nhello\n$/);
  expect(started.log.some((line) => line.includes('closed 4001'))).toBe(true);
});
