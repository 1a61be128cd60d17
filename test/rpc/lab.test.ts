import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { LabFailure, type Lab, type LabApi, type LabEvents, type LoadStatus } from '../../src/contract/index.ts';
import { connectLabApi, memoryChannels, pipeChannel, serveLabApi, webSocketChannel, type Channel, type LabClient } from '../../src/rpc/index.ts';
import { lineChannel, lineSplitter } from '../../src/rpc/lines.ts';

/** A lab that notes calls and lets the test send events. */
function fakeLab(more: Partial<LabApi> = {}): { lab: Lab; calls: string[]; emit<Name extends keyof LabEvents>(name: Name, event: Parameters<LabEvents[Name]>[0]): void; listeners(): number } {
  const calls: string[] = [];
  const listeners = new Map<string, Set<(event: never) => void>>();
  const note = (name: string) => (request: object): Promise<never> => {
    calls.push(`${name} ${JSON.stringify(request)}`);
    return Promise.resolve(undefined as never);
  };
  const known: Partial<Lab> = {
    watch: note('watch'), unwatch: note('unwatch'), close: note('close'), write: note('write'), ...more,
    on: (name, listener) => {
      const set = listeners.get(name) ?? new Set();
      listeners.set(name, set.add(listener as (event: never) => void));
      return () => set.delete(listener as (event: never) => void);
    },
  };
  return {
    lab: known as Lab, calls,
    emit: (name, event) => { for (const listener of listeners.get(name) ?? []) (listener as (event: unknown) => void)(event); },
    listeners: () => [...listeners.values()].reduce((sum, set) => sum + set.size, 0),
  };
}

const load: LoadStatus = { running: true, rps: 1, url: '', sent: 0, ok: 0, failed: 0, p50: 0, p99: 0, byStatus: {} };
const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

function connected(lab: Lab): { client: LabClient; channel: Channel } {
  const [server, client] = memoryChannels();
  serveLabApi(lab, server);
  return { client: connectLabApi(client), channel: client };
}

describe('LabApi over a channel', () => {
  it('calls with checked arguments and gives the result', async () => {
    const { lab } = fakeLab({ metrics: (request) => Promise.resolve(`metrics of ${request.lab}`) });
    expect(await connected(lab).client.metrics({ lab: 'demo' })).toBe('metrics of demo');
  });

  it.each([
    ['an unknown method', (client: LabClient) => (client as unknown as { anything(): Promise<unknown> }).anything],
    ['a wrong argument', (client: LabClient) => () => client.status({ lab: 'Not A Name' })],
    ['an extra field', (client: LabClient) => () => client.status({ lab: 'demo', more: 1 } as { lab: string })],
    ['a string for an object', (client: LabClient) => () => client.status('demo' as unknown as { lab: string })],
  ])('refuses %s', async (name, call) => {
    const { client } = connected(fakeLab({ status: () => Promise.reject(new Error('must not be called')) }).lab);
    const method = call(client);
    if (name === 'an unknown method') expect(method).toBeUndefined();
    else await expect(method()).rejects.toMatchObject({ name: 'LabFailure', code: 'usage' });
  });

  it.each(['anything', 'constructor', '__proto__', 'toString', 'on', 'hasOwnProperty'])('refuses “%s”, sent by hand', async (method) => {
    const [server, client] = memoryChannels();
    serveLabApi(fakeLab().lab, server);
    const answer = new Promise<string>((resolve) => client.onMessage(resolve));
    client.send(JSON.stringify({ t: 'q', i: '1', m: method, a: [{}] }));
    expect(JSON.parse(await answer)).toMatchObject({ t: 's', i: '1', e: { code: 'usage', message: `There is no method “${method}”.` } });
  });

  it.each(['', 'no json', '[]', 'null', '{}', '{"t":"q"}', '{"t":"q","m":1,"a":[]}', '{"t":"q","m":"labs","a":{}}', '{"t":"x"}'])('closes the channel on %s', async (text) => {
    const [server, client] = memoryChannels();
    serveLabApi(fakeLab().lab, server);
    let closed = false;
    client.onClose(() => { closed = true; });
    client.send(text);
    await turn();
    expect(closed).toBe(true);
  });

  it('carries failures with code, help and diagnostics, and bugs as internal', async () => {
    const diagnostics = [{ code: 'WEFT0001', level: 'error' as const, message: 'm', file: 'f', line: 1, column: 2 }];
    const { client } = connected(fakeLab({
      labs: () => Promise.reject(new LabFailure('engine-gone', 'The engine has gone.', { help: 'Start it.', diagnostics })),
      samples: () => Promise.reject(new TypeError('bug')),
    }).lab);
    await expect(client.labs({})).rejects.toMatchObject({ name: 'LabFailure', code: 'engine-gone', message: 'The engine has gone.', help: 'Start it.', diagnostics });
    await expect(client.samples({})).rejects.toMatchObject({ code: 'internal', message: 'bug' });
  });

  it('sends a lab’s events only to who watches it, and ends with the channel', async () => {
    const { lab, emit, calls, listeners } = fakeLab();
    const one = connected(lab);
    const other = connected(lab);
    const heard: string[] = [];
    one.client.on('load', (event) => heard.push(`one ${event.lab}`));
    other.client.on('load', (event) => heard.push(`other ${event.lab}`));
    other.client.on('labs', () => heard.push('other labs'));
    await one.client.watch({ lab: 'a' });
    await one.client.watch({ lab: 'a' });
    emit('load', { lab: 'a', load });
    emit('load', { lab: 'b', load });
    emit('labs', []);
    await turn();
    expect(heard).toEqual(['one a', 'other labs']);
    one.client.disconnect();
    await turn();
    expect(calls).toEqual(['watch {"lab":"a"}', 'unwatch {"lab":"a"}']);
    other.client.disconnect();
    expect(listeners()).toBe(0);
    await expect(one.client.labs({})).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('rejects calls under way when the channel closes', async () => {
    const { client, channel } = connected(fakeLab({ labs: () => new Promise(() => undefined) }).lab);
    const call = client.labs({});
    await turn();
    channel.close();
    await expect(call).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('gives stream data to who opened the stream, also what came before the id', async () => {
    const fake = fakeLab({
      logs: () => {
        fake.emit('stream', { stream: 's1', data: 'first' });
        fake.emit('stream', { stream: 'of-somebody-else', data: 'secret' });
        return Promise.resolve('s1');
      },
    });
    const { client } = connected(fake.lab);
    const stranger = connected(fake.lab).client;
    const data: string[] = [];
    client.on('stream', (event) => data.push(event.data ?? 'end'));
    stranger.on('stream', () => data.push('stranger'));
    expect(await client.logs({ lab: 'a', pod: 'p' })).toBe('s1');
    await new Promise((done) => setTimeout(done, 5));
    fake.emit('stream', { stream: 's1', data: 'second' });
    await expect(stranger.write({ stream: 's1', data: 'x' })).rejects.toMatchObject({ code: 'not-found' });
    await client.write({ stream: 's1', data: 'x' });
    await turn();
    expect(data).toEqual(['first', 'second']);
    client.disconnect();
    await turn();
    expect(fake.calls).toEqual(['write {"stream":"s1","data":"x"}', 'close {"stream":"s1"}']);
  });
});

describe('channels', () => {
  it('work over real WebSockets, both ends', async () => {
    const http = createServer();
    const sockets = new WebSocketServer({ server: http });
    const { lab, emit } = fakeLab({ metrics: ({ lab: name }) => Promise.resolve(name) });
    sockets.on('connection', (socket) => serveLabApi(lab, webSocketChannel(socket)));
    await new Promise<void>((done) => http.listen(0, '127.0.0.1', done));
    const client = connectLabApi(webSocketChannel(new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`)));
    expect(await client.metrics({ lab: 'ws' })).toBe('ws');
    const heard = new Promise((resolve) => client.on('labs', resolve));
    emit('labs', [{ name: 'a', phase: 'running', pods: 1, ready: 1 }]);
    expect(await heard).toEqual([{ name: 'a', phase: 'running', pods: 1, ready: 1 }]);
    const gone = new Promise<void>((resolve) => client.onDisconnect(resolve));
    for (const socket of sockets.clients) socket.terminate();
    await gone;
    http.close();
  });

  it('work over a pipe as Electron has it', async () => {
    const { port1, port2 } = new MessageChannel();
    const pipe = (port: MessagePort): Channel => pipeChannel({ send: (message) => port.postMessage(message), onMessage: (listener) => { port.onmessage = (event) => listener(event.data); }, onClose: (listener) => port.addEventListener('close', listener), close: () => port.close() });
    serveLabApi(fakeLab({ metrics: () => Promise.resolve('text') }).lab, pipe(port1));
    const client = connectLabApi(pipe(port2));
    expect(await client.metrics({ lab: 'a' })).toBe('text');
    client.disconnect();
  });

  it('cut lines out of any chunks, and refuse a line that is too long', () => {
    const text = '{"a":"ü"}\n\n{"b":2}\n';
    for (let size = 1; size <= text.length; size++) {
      const lines: string[] = [];
      const split = lineSplitter(() => 100, (line) => lines.push(line));
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; at += size) expect(split(bytes.subarray(at, at + size))).toBe(true);
      expect(lines).toEqual(['{"a":"ü"}', '{"b":2}']);
    }
    const split = lineSplitter(() => 8, () => undefined);
    expect(split(Buffer.from('12345'))).toBe(true);
    expect(split(Buffer.from('67890'))).toBe(false);
  });

  it('cut off a peer that does not read', () => {
    const socket = new PassThrough({ highWaterMark: 1 });
    const channel = lineChannel(socket, { maxLine: 100, maxBuffered: 50 });
    socket.pause();
    for (let i = 0; i < 20; i++) channel.send('0123456789');
    expect(socket.destroyed).toBe(true);
  });
});
