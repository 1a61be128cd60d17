import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { lineChannel, type LineLimits } from '../../src/rpc/lines.ts';

const open: { destroy(): void }[] = [];
afterEach(() => { for (const socket of open.splice(0)) socket.destroy(); });

const megabyte = 1024 * 1024;

describe('a channel with more to say than fits', () => {
  it('gives its socket little at a time, and keeps the order of what it was given', async () => {
    const { here, there } = await pair();
    const channel = lineChannel(here);
    const lines = received(there);
    const piece = Buffer.alloc(megabyte, 'a');
    channel.send('first');
    channel.sendPieces([piece, piece, piece, piece, piece, piece, piece, piece]);
    channel.send('last');
    let most = here.writableLength;
    while (lines.text.length < 8 * megabyte + 'first\n\nlast\n'.length) {
      most = Math.max(most, here.writableLength);
      await new Promise((resolve) => { setImmediate(resolve); });
    }
    expect(most).toBeLessThan(256 * 1024);
    expect(lines.text === `first\n${'a'.repeat(8 * megabyte)}\nlast\n`).toBe(true);
  });

  it('says all of it before it closes', async () => {
    const { here, there } = await pair();
    const channel = lineChannel(here);
    const lines = received(there);
    channel.sendPieces([Buffer.alloc(megabyte, 'a')]);
    channel.close();
    await once(there, 'close');
    expect(lines.text).toHaveLength(megabyte + 1);
  });

  it('cuts a peer off that does not read', async () => {
    const { here, there } = await pair();
    there.pause();
    const channel = lineChannel(here, { maxLine: megabyte, maxBuffered: 16 * megabyte } satisfies LineLimits);
    const closed = new Promise<void>((resolve) => { channel.onClose(resolve); });
    for (let sent = 0; sent < 32; sent++) channel.sendPieces([Buffer.alloc(megabyte, 'a')]);
    expect(here.destroyed).toBe(true);
    await closed;
  });
});

async function pair(): Promise<{ readonly here: Socket; readonly there: Socket }> {
  const server = createServer();
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const there = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [here] = await accepted;
  server.close();
  open.push(here, there);
  return { here, there };
}

function received(socket: Socket): { readonly text: string } {
  const got = { text: '' };
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => { got.text += text; });
  return got;
}
