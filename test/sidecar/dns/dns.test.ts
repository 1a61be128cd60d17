import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { decode, encode, type RecordType } from 'dns-packet';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { createSystemClock } from '../../../src/sidecar/config/system-clock.ts';
import { judgeQuery, lookUp } from '../../../src/sidecar/dns/answer.ts';
import { startDns, type DnsServer } from '../../../src/sidecar/dns/server.ts';
import type { NameTable } from '../../../src/xds/index.ts';

const names: NameTable = { table: {
  'reviews.default.svc.cluster.local': { ips: ['10.0.0.1'] }, 'db.data.svc.cluster.local': { ips: ['10.0.1.1', '10.0.1.2'] }, 'api.example.com': { ips: ['10.0.2.1'] },
  '*.wild.example.com': { ips: ['10.0.3.1'] }, '*.example.org': { ips: ['10.0.4.1'] }, '*.deep.example.org': { ips: ['10.0.4.2'] },
} };
const scope = { namespace: 'default', domainSuffix: 'cluster.local' };
const cleanup: (() => void)[] = [];
afterEach(() => { for (const close of cleanup.splice(0)) close(); });
const query = (name: string, type: RecordType = 'A', id = 7): Buffer => encode({ type: 'query', id, flags: 1 << 8, questions: [{ type, name }] });

test.each<[string, readonly string[] | undefined]>([
  ['reviews', ['10.0.0.1']], ['reviews.default', ['10.0.0.1']], ['reviews.default.svc', ['10.0.0.1']], ['reviews.default.svc.cluster.local', ['10.0.0.1']], ['Reviews.Default.SVC.cluster.local.', ['10.0.0.1']],
  ['db', undefined], ['db.data', ['10.0.1.1', '10.0.1.2']], ['api.example.com', ['10.0.2.1']], ['api.example.com.default.svc.cluster.local', ['10.0.2.1']], ['www.example.com', undefined],
  ['a.wild.example.com', ['10.0.3.1']], ['wild.example.com', undefined], ['a.deep.example.org', ['10.0.4.2']], ['b.example.org', ['10.0.4.1']], ['constructor', undefined], ['', undefined],
])('%s is looked up as a resolver in the pod would', (name, ips) => { expect(lookUp(name, names, scope)).toEqual(ips); });

describe('a query', () => {
  test('for A is answered; for AAAA of our name there is nothing; other names are forwarded', () => {
    const a = judgeQuery(query('reviews'), names, scope);
    expect(a.kind === 'answer' && decode(a.packet)).toMatchObject({ id: 7, rcode: 'NOERROR', flag_aa: true, answers: [{ type: 'A', name: 'reviews', data: '10.0.0.1' }] });
    const aaaa = judgeQuery(query('reviews', 'AAAA'), names, scope);
    expect(aaaa.kind === 'answer' && decode(aaaa.packet)).toMatchObject({ rcode: 'NOERROR', answers: [] });
    expect(judgeQuery(query('example.net'), names, scope).kind).toBe('forward');
  });

  test('of any bytes does no harm', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => ['answer', 'forward', 'drop'].includes(judgeQuery(Buffer.from(bytes), names, scope).kind)));
    const good = query('reviews');
    fc.assert(fc.property(fc.nat(good.length - 1), fc.nat(255), (at, value) => {
      const damaged = Buffer.from(good);
      damaged[at] = value;
      return ['answer', 'forward', 'drop'].includes(judgeQuery(damaged, names, scope).kind);
    }));
    const loop = Buffer.from([0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 0x0c, 0, 1, 0, 1]);
    expect(judgeQuery(loop, names, scope).kind).not.toBe('forward');
    expect(judgeQuery(encode({ type: 'response', id: 1, answers: [] }), names, scope).kind).toBe('drop');
  });
});

/** An upstream that answers everything with 192.0.2.1, or nothing. */
async function upstream(silent = false): Promise<number> {
  const answer = (packet: Buffer): Buffer => { const { id, questions } = decode(packet); return encode({ type: 'response', id: id ?? 0, questions: questions ?? [], answers: [{ type: 'A', name: questions?.[0]?.name ?? '', data: '192.0.2.1' }] }); };
  const { udp, tcp, port } = await bindBoth((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => { const reply = answer(chunk.subarray(2)); socket.write(Buffer.concat([Buffer.from([reply.length >> 8, reply.length & 255]), reply])); });
  });
  udp.on('message', (packet, from) => { if (!silent) udp.send(answer(packet), from.port, from.address); });
  cleanup.push(() => { udp.close(); tcp.close(); });
  return port;
}

/** One port on UDP and TCP: what is free on the one may be taken on the other, then another is tried. */
async function bindBoth(serve: (socket: Socket) => void): Promise<{ readonly udp: UdpSocket; readonly tcp: Server; readonly port: number }> {
  for (;;) {
    const udp = createSocket('udp4').bind(0, '127.0.0.1');
    await once(udp, 'listening');
    const { port } = udp.address();
    const tcp = createServer(serve).listen(port, '127.0.0.1');
    try {
      await once(tcp, 'listening');
      return { udp, tcp, port };
    } catch (error) {
      udp.close();
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
}

async function dns(port: number, speed = 1): Promise<DnsServer> {
  const clock = createSystemClock();
  const server = await startDns({ host: '127.0.0.1', port: 0, scope, names: () => names, upstream: { ip: '127.0.0.1', port }, clock: { now: clock.now, after: (ms, run) => clock.after(ms / speed, run) } });
  cleanup.push(() => { server.close(); });
  return server;
}

async function askUdp(port: number, packet: Buffer): Promise<ReturnType<typeof decode>> {
  const socket = createSocket('udp4');
  socket.send(packet, port, '127.0.0.1');
  const [reply] = await once(socket, 'message') as [Buffer];
  socket.close();
  return decode(reply);
}

describe('the server', () => {
  test('answers and forwards on UDP, and survives garbage', async () => {
    const { port } = await dns(await upstream());
    const noise = createSocket('udp4');
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(3), Buffer.alloc(12, 255), Buffer.alloc(500, 0xc0)]) noise.send(bytes, port, '127.0.0.1');
    expect(await askUdp(port, query('reviews'))).toMatchObject({ answers: [{ data: '10.0.0.1' }] });
    expect(await askUdp(port, query('example.net', 'A', 9))).toMatchObject({ id: 9, answers: [{ data: '192.0.2.1' }] });
    noise.close();
  });

  test('says SERVFAIL when the upstream says nothing', async () => {
    const { port } = await dns(await upstream(true), 100);
    expect(await askUdp(port, query('example.net'))).toMatchObject({ rcode: 'SERVFAIL' });
  });

  test('answers on TCP, in pieces and several at once', async () => {
    const { port } = await dns(await upstream());
    const socket = connect(port, '127.0.0.1');
    const framed = [query('reviews', 'A', 1), query('example.net', 'A', 2)].map((packet) => Buffer.concat([Buffer.from([0, packet.length]), packet]));
    for (const byte of Buffer.concat(framed)) socket.write(Buffer.from([byte]));
    let bytes = Buffer.alloc(0);
    const ids: (number | undefined)[] = [];
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length > 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) {
        ids.push(decode(bytes.subarray(2, 2 + bytes.readUInt16BE(0))).id);
        bytes = bytes.subarray(2 + bytes.readUInt16BE(0));
      }
      if (ids.length === 2) break;
    }
    expect(ids).toEqual([1, 2]);
  });
});
