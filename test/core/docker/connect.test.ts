import { createServer, type Server, type ServerResponse } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectEngine, type ContainerSpec, type Engine } from '../../../src/core/docker/index.ts';

let folder = '';
let server: Server;
let engine: Engine;
let answer: (path: string, response: ServerResponse, body: string) => void;
const requests: { method: string; path: string; body: string }[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weft-engine-'));
  requests.length = 0;
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => { body += chunk.toString(); });
    request.on('end', () => { requests.push({ method: request.method ?? '', path: request.url ?? '', body }); answer(request.url ?? '', response, body); });
  });
  const socket = join(folder, 'e.sock');
  await new Promise<void>((resolve) => { server.listen(socket, resolve); });
  engine = await connectEngine({ source: 'test', address: { socket } });
});
afterEach(async () => { server.closeAllConnections(); server.close(); await rm(folder, { recursive: true }); });

const refuse = (status: number, message: string): void => { answer = (_, response) => { response.statusCode = status; response.end(JSON.stringify({ message })); }; };
const say = (lines: readonly object[]): void => { answer = (_, response) => { response.end(lines.map((line) => JSON.stringify(line)).join('\n')); }; };
const spec: ContainerSpec = { name: 'n', image: 'i', labels: { a: 'b' }, env: { X: 'y=z' }, network: { name: 'net', aliases: ['al'], ip: '10.0.0.3' }, capabilities: [], noNewPrivileges: true, memoryBytes: 1e8, pids: 9, restart: 'no', publish: [{ container: 80, protocol: 'tcp', host: 0 }, { container: 81, protocol: 'tcp', host: 8081 }] };

describe('an engine on a socket', () => {
  it('is asked for containers that are confined, bounded and published on the loopback address only', async () => {
    answer = (_, response) => { response.statusCode = 201; response.end('{"Id":"abc"}'); };
    expect(await engine.createContainer(spec)).toBe('abc');
    const sent = JSON.parse(requests[0]?.body ?? '') as { Env: string[]; HostConfig: Record<string, unknown> };
    expect(requests[0]?.path).toBe('/containers/create?name=n');
    expect(sent.Env).toEqual(['X=y=z']);
    expect(sent.HostConfig).toMatchObject({
      NetworkMode: 'net', CapDrop: ['ALL'], CapAdd: [], SecurityOpt: ['no-new-privileges'], Privileged: false, Memory: 1e8, MemorySwap: 1e8, PidsLimit: 9,
      PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }], '81/tcp': [{ HostIp: '127.0.0.1', HostPort: '8081' }] },
    });
  });

  it.each([
    [500, 'write /x: no space left on device', 'engine-disk-full'],
    [500, 'driver failed: Bind for 127.0.0.1:8081 failed: port is already allocated', 'port-taken'],
    [404, 'No such image: i:latest', 'image-unavailable'],
    [409, 'Conflict', 'internal'],
  ])('that answers %i “%s” fails with %s', async (status, message, code) => {
    refuse(status, message);
    await expect(engine.createContainer(spec)).rejects.toMatchObject({ code });
  });

  it.each([
    [[{ status: 'Pulling' }, { error: 'manifest unknown' }], 'image-unavailable'],
    [[{ error: 'failed to register layer: no space left on device' }], 'engine-disk-full'],
  ])('that fails in the middle of a pull: %o', async (lines, code) => {
    say(lines);
    await expect(engine.pullImage('x')).rejects.toMatchObject({ code });
  });

  it('tells of a pull’s progress, and stops when told to', async () => {
    say([{ status: 'Pulling' }, { status: 'Downloading', progress: '1/2' }, { status: 'Done' }]);
    const heard: string[] = [];
    await engine.pullImage('x', { onProgress: (text) => { heard.push(text); } });
    expect(heard).toEqual(['Pulling', 'Downloading 1/2', 'Done']);
    answer = (_, response) => { response.write('{"status":"Pulling"}\n'); };
    const abort = new AbortController();
    await expect(engine.pullImage('x', { signal: abort.signal, onProgress: () => { abort.abort(); } })).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('whose import fails half-way keeps the reason', async () => {
    say([{ error: 'archive/tar: invalid tar header' }]);
    await expect(engine.importImage('a:b', Readable.from([Buffer.alloc(10)]), { changes: [] })).rejects.toMatchObject({ code: 'internal', message: expect.stringContaining('invalid tar header') as string });
  });

  it('that goes away in the middle is gone', async () => {
    answer = (_, response) => { response.socket?.destroy(); };
    await expect(engine.containers({})).rejects.toMatchObject({ code: 'engine-gone' });
    server.close();
    server.closeAllConnections();
    await expect(engine.networks()).rejects.toMatchObject({ code: 'engine-gone', help: expect.any(String) as string });
  });

  it.each(['removeContainer', 'startContainer'] as const)('%s is content when there is nothing to do', async (verb) => {
    refuse(verb === 'removeContainer' ? 404 : 304, 'nothing');
    await engine[verb]('x');
  });

  it('passes events on and says when they end', async () => {
    answer = (_, response) => { response.write(`${JSON.stringify({ Type: 'container', Action: 'die', timeNano: 5e6, Actor: { ID: 'c', Attributes: { a: 'b' } } })}\n`); setImmediate(() => { response.destroy(); }); };
    const seen: unknown[] = [];
    const stream = await engine.events({ 'dev.weft.lab': 'x' }, (event) => { seen.push(event); });
    await stream.ended;
    expect(seen).toEqual([{ type: 'container', action: 'die', id: 'c', labels: { a: 'b' }, time: 5 }]);
    expect(decodeURIComponent(requests[0]?.path ?? '')).toContain('"label":["dev.weft.lab=x"]');
  });
});
