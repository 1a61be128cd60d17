import { connect, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { fakeClock } from '../../fakes/clock.ts';
import { exchange, oneResponse, startEcho, startProxy } from './proxy.ts';

it('serves others while 200 connections dawdle, and sends the dawdlers away in time', { timeout: 20_000 }, async () => {
  const upstream = await startEcho(() => 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  // Its clock stands still while others are served: who had to wait for a dawdler's end would wait for ever.
  const clock = fakeClock();
  const proxy = await startProxy({ clock, clusters: { up: [upstream.port] }, manager: { requestHeadersTimeout: '2s' } });
  const times = async (): Promise<number> => {
    const took: number[] = [];
    for (let count = 0; count < 50; count++) {
      const started = performance.now();
      expect((await exchange(proxy.port, ['GET / HTTP/1.1\r\nHost: a\r\n\r\n'], oneResponse)).answer).toMatch(/200 OK/);
      took.push(performance.now() - started);
    }
    return took.sort((one, other) => one - other)[25] ?? 0;
  };
  const alone = await times();
  const slow = await Promise.all(Array.from({ length: 200 }, () => new Promise<Socket>((resolve) => {
    const socket = connect(proxy.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ', () => resolve(socket)));
  })));
  let sentAway = 0;
  const answers = slow.map((socket) => new Promise<string>((resolve) => {
    let text = '';
    socket.on('data', (chunk) => { text += chunk.toString('latin1'); });
    socket.on('close', () => { sentAway++; resolve(text); });
  }));
  // On average no more than a hundred times what one takes when there is nobody else.
  expect(await times()).toBeLessThan(100 * alone);
  await clock.advance(1999);
  expect(sentAway).toBe(0);
  await clock.advance(1);
  for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  await proxy.close();
  await upstream.close();
});

it('stops reading an upstream whose caller does not read', { timeout: 20_000 }, async () => {
  let sent = 0;
  const chunk = Buffer.alloc(65_536, 'x');
  const { createServer } = await import('node:net');
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${chunk.length * 1600}\r\n\r\n`);
      const more = (): void => { while (sent < 1600 && socket.write(chunk)) sent++; };
      socket.on('drain', more);
      more();
    });
  });
  const port = await new Promise<number>((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)));
  const proxy = await startProxy({ clusters: { up: [port] } });
  const caller = connect(proxy.port, '127.0.0.1', () => caller.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
  caller.pause();
  let before = -1;
  while (sent !== before) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  expect(sent).toBeLessThan(800);
  let received = 0;
  await new Promise<void>((resolve) => {
    caller.on('data', (data: Buffer) => { received += data.length; if (received > chunk.length * 1600) resolve(); });
    caller.resume();
  });
  caller.destroy();
  await proxy.close();
  await new Promise((resolve) => server.close(resolve));
});
