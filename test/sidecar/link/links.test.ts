import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { handleLink, socketLink, splice, type Link, type LinkReader } from '../../../src/sidecar/link/index.ts';
import { listen } from '../http/proxy.ts';

const closing: (() => void)[] = [];
afterEach(() => { for (const close of closing.splice(0)) close(); });

const pem = ((): { key: string; cert: string } => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-links-'));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', join(dir, 'k'), '-out', join(dir, 'c'), '-days', '1', '-subj', '/CN=a'], { stdio: 'ignore' });
  return { key: readFileSync(join(dir, 'k'), 'utf8'), cert: readFileSync(join(dir, 'c'), 'utf8') };
})();

/** A pair of connected sockets, the first of them behind a link of the tier under test. */
async function pair(tier: (socket: Socket) => Link, secure: boolean): Promise<{ link: Link; peer: Socket }> {
  let accepted: (socket: Socket) => void = () => undefined;
  const socket = new Promise<Socket>((resolve) => { accepted = resolve; });
  const server: Server = secure ? createTlsServer({ ...pem, allowHalfOpen: true }, (one) => accepted(one)) : createServer({ allowHalfOpen: true, pauseOnConnect: true }, (one) => accepted(one));
  const port = await listen(server);
  const peer = secure ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...{ allowHalfOpen: true } }) : connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  peer.on('error', () => undefined);
  const link = tier(await socket);
  closing.push(() => { link.destroy(); peer.destroy(); server.close(); });
  return { link, peer };
}

/** Keeps what comes. */
class Collector implements LinkReader {
  text = '';
  ended = false;
  drains = 0;
  closed: { code: string | undefined } | undefined;
  data(chunk: Buffer): void { this.text += chunk.toString('latin1'); }
  end(): void { this.ended = true; }
  drain(): void { this.drains++; }
  close(code: string | undefined): void { this.closed = { code }; }
}

function collect(socket: Socket): { text: () => string; ended: () => boolean } {
  let text = '';
  let ended = false;
  socket.on('data', (chunk: Buffer) => { text += chunk.toString('latin1'); });
  socket.on('end', () => { ended = true; });
  return { text: () => text, ended: () => ended };
}

describe.each([
  ['sockets', socketLink, false], ['sockets over TLS', socketLink, true],
  ['handles', (socket: Socket) => handleLink(socketLink(socket)), false], ['handles over TLS', (socket: Socket) => handleLink(socketLink(socket)), true],
] as const)('a link on %s', (name, tier, secure) => {
  it('is of its tier, reads in order and hears the end', async () => {
    const { link, peer } = await pair(tier, secure);
    expect(link.constructor.name).toBe(name.startsWith('handles') ? 'HandleLink' : 'SocketLink');
    const reader = new Collector();
    link.read(reader);
    peer.write('one ');
    peer.end('two');
    await expect.poll(() => reader.ended).toBe(true);
    expect(reader.text).toBe('one two');
    expect(reader.closed).toBeUndefined();
    const got = collect(peer);
    link.write('late');
    link.end();
    await expect.poll(got.ended).toBe(true);
    expect(got.text()).toBe('late');
    await expect.poll(() => reader.closed).toEqual({ code: undefined });
  });

  it('gives bytes that were put back to the next reader first', async () => {
    const { link, peer } = await pair(tier, secure);
    const first = new Collector();
    const second = new Collector();
    const sniffer: LinkReader = { data: (chunk) => { link.unread(chunk); link.read(second); }, end: () => first.end(), drain: () => undefined, close: () => undefined };
    link.read(sniffer);
    peer.write('hello ');
    await expect.poll(() => second.text).toBe('hello ');
    peer.write('world');
    await expect.poll(() => second.text).toBe('hello world');
  });

  it('writes strings as latin1, buffers, and what was corked, in order, and ends behind them', async () => {
    const { link, peer } = await pair(tier, secure);
    const got = collect(peer);
    link.read(new Collector());
    link.write('\xe9');
    link.cork();
    link.write('a');
    link.cork();
    link.write(Buffer.from('b'));
    link.uncork();
    link.write('x'.repeat(70_000));
    link.end();
    link.uncork();
    await expect.poll(got.ended).toBe(true);
    expect(got.text()).toBe(`\xe9ab${'x'.repeat(70_000)}`);
  });

  it('sends what one turn wrote, and what was passed on between, by its end', async () => {
    const { link, peer } = await pair(tier, secure);
    const got = collect(peer);
    link.read(new Collector());
    link.write('a');
    link.pass(Buffer.from('b'));
    link.write(Buffer.from('c'));
    link.write('d');
    await new Promise((resolve) => { setImmediate(resolve); });
    expect(link.settled || secure).toBe(true);
    await expect.poll(got.text).toBe('abcd');
  });

  it('passes on bytes that are overwritten afterwards, in order with what is written, and ends behind them', async () => {
    const { link, peer } = await pair(tier, secure);
    link.read(new Collector());
    const received = collect(peer);
    let expected = '';
    const lent = Buffer.alloc(40_000);
    for (let turn = 0; turn < 30; turn++) {
      link.cork();
      link.write(`<${turn}>`);
      lent.fill(97 + (turn % 26));
      link.pass(lent);
      link.write('/');
      link.uncork();
      link.pass(lent.fill(65 + (turn % 26)).subarray(0, turn));
      const owned = Buffer.alloc(turn * 1000, 48);
      link.write(owned);
      expected += `<${turn}>${String.fromCharCode(97 + (turn % 26)).repeat(40_000)}/${String.fromCharCode(65 + (turn % 26)).repeat(turn)}${'0'.repeat(turn * 1000)}`;
      lent.fill(0);
      if (turn % 10 === 0) await new Promise((resolve) => { setImmediate(resolve); });
    }
    link.end();
    await expect.poll(() => received.ended(), { timeout: 10_000 }).toBe(true);
    expect(received.text() === expected).toBe(true);
  });

  it('lends large reads to a reader who borrows, and copies those that it holds', async () => {
    const { link, peer } = await pair(tier, secure);
    const held: Buffer[] = [];
    link.read({ borrows: true, data: (chunk) => { held.push(link.memory.hold(chunk)); }, end: () => undefined, drain: () => undefined, close: () => undefined });
    const sent = Buffer.concat(Array.from({ length: 20 }, (_, index) => Buffer.alloc(30_000, 97 + index)));
    peer.write(sent);
    await expect.poll(() => held.reduce((sum, { length }) => sum + length, 0), { timeout: 10_000 }).toBe(sent.length);
    expect(Buffer.concat(held).equals(sent)).toBe(true);
  });

  it('says when it is full, and when there is room again, losing nothing', async () => {
    const { link, peer } = await pair(tier, secure);
    const reader = new Collector();
    link.read(reader);
    peer.pause();
    const piece = Buffer.alloc(50_000, 'y');
    let written = 0;
    while (link.write(piece)) written += piece.length;
    written += piece.length;
    expect(written).toBeLessThan(20_000_000);
    let received = 0;
    peer.on('data', (chunk: Buffer) => { received += chunk.length; });
    peer.resume();
    await expect.poll(() => reader.drains).toBeGreaterThan(0);
    link.end();
    await expect.poll(() => received).toBe(written);
  });

  it('delivers nothing while it is paused', async () => {
    const { link, peer } = await pair(tier, secure);
    const reader = new Collector();
    link.read(reader);
    peer.write('1');
    await expect.poll(() => reader.text).toBe('1');
    link.pause();
    let sent = 0;
    const filler = Buffer.alloc(65_536, 'z');
    while (peer.write(filler) && sent < 200) sent++;
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(reader.text.length).toBeLessThan(200_000);
    link.resume();
    await expect.poll(() => reader.text.length, { timeout: 5000 }).toBe(1 + (sent + 1) * 65_536);
  });

  it('tells a reset, once', async () => {
    const { link, peer } = await pair(tier, secure);
    const reader = new Collector();
    link.read(reader);
    peer.write('x');
    await expect.poll(() => reader.text).toBe('x');
    if (secure) peer.destroy();
    else peer.resetAndDestroy();
    await expect.poll(() => reader.closed !== undefined || reader.ended).toBe(true);
    link.destroy();
    await expect.poll(() => reader.closed).toBeDefined();
    link.write('into the void');
    link.end();
  });

  it('splices with another, both ways, half-closes included', async () => {
    const one = await pair(tier, secure);
    const two = await pair(tier, secure);
    let result: unknown;
    splice(one.link, two.link, (done) => { result = done; });
    const left = collect(one.peer);
    const right = collect(two.peer);
    one.peer.end('to the right'.repeat(20_000));
    await expect.poll(right.ended, { timeout: 5000 }).toBe(true);
    expect(right.text().length).toBe(240_000);
    two.peer.end('to the left');
    await expect.poll(left.ended).toBe(true);
    expect(left.text()).toBe('to the left');
    await expect.poll(() => result).toEqual({ forward: 240_000, backward: 11 });
  });
});
