import { mkdtemp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { Lab } from '../../src/contract/index.ts';
import { serveLab, type LabServer } from '../../src/server/index.ts';

let folder: string;
let server: LabServer;
let watched = 0;

/** A lab that answers two methods; anything else is a bug of the test. */
const lab = {
  on: () => ((watched += 1), () => {}),
  labs: () => Promise.resolve([{ name: 'a', phase: 'running', pods: 1, ready: 1 }]),
  down: ({ lab }: { lab: string }) => Promise.resolve({ id: '1', lab, title: 'down', state: 'running', steps: [] }),
} as unknown as Lab;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weft-server-'));
  await mkdir(join(folder, 'renderer/assets'), { recursive: true });
  await writeFile(join(folder, 'renderer/index.html'), '<!doctype html><title>Weft</title>');
  await writeFile(join(folder, 'renderer/assets/main-abcdef12.js'), 'export {};');
  await writeFile(join(folder, 'renderer/.env.json'), 'hidden');
  await writeFile(join(folder, 'secret.txt'), 'secret');
  await symlink(join(folder, 'secret.txt'), join(folder, 'renderer/link.txt'));
  server = await serveLab({ lab, rendererDir: join(folder, 'renderer') });
});

afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

interface Answer { status: number; headers: Record<string, unknown>; body: string }

/** A request as a browser or a script would put it on the wire; `fetch` would not let us choose Host and Sec-Fetch-*. */
function send(options: { method?: string; path?: string; headers?: Record<string, string>; body?: string }): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port: server.port, method: options.method ?? 'GET', path: options.path ?? '/', headers: options.headers ?? {} }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk)).on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    request.on('error', reject);
    request.end(options.body);
  });
}

const own = (): string => `http://127.0.0.1:${server.port}`;
const script = (): Record<string, string> => ({ authorization: `Bearer ${server.token}`, 'content-type': 'application/json' });

describe('static files', () => {
  it('serves the page and its hashed assets with the strict headers', async () => {
    const page = await send({});
    expect(page.status).toBe(200);
    expect(page.headers['cache-control']).toBe('no-store');
    expect(page.headers['content-security-policy']).toMatch(/default-src 'none'; script-src 'self';/);
    expect(page.headers['content-security-policy']).toMatch(/frame-ancestors 'none'/);
    expect(page.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY', 'referrer-policy': 'no-referrer', 'cross-origin-resource-policy': 'same-origin' });
    expect((await send({ path: '/assets/main-abcdef12.js' })).headers['cache-control']).toContain('immutable');
  });

  it.each(['/../secret.txt', '/%2e%2e/secret.txt', '/..%2fsecret.txt', '/assets/..%5c..%5csecret.txt', '/link.txt', '/.env.json', '/%00', '/%', '//etc/passwd', '/assets', '/nothing.js', 'http://elsewhere/index.html'])(
    'finds nothing at %s', async (path) => {
      expect((await send({ path })).status).toBe(404);
    });

  it('carries the token in the fragment only', () => {
    expect(server.url).toBe(`${own()}/#token=${server.token}`);
    expect(server.token).toMatch(/^[\w-]{43}$/);
  });
});

describe('calls by script', () => {
  it('answers a holder of the token', async () => {
    const answer = await send({ method: 'POST', path: '/api/labs', headers: script(), body: '{}' });
    expect([answer.status, JSON.parse(answer.body)]).toEqual([200, [{ name: 'a', phase: 'running', pods: 1, ready: 1 }]]);
  });

  it.each([
    ['an unknown method', 'nothing', '{}', 404, 'not-found'],
    ['a name from the prototype', 'constructor', '{}', 404, 'not-found'],
    ['a wrong argument', 'down', '{"lab":"../x"}', 400, 'usage'],
    ['an unknown field', 'down', '{"lab":"a","force":true}', 400, 'usage'],
    ['a method that streams', 'logs', '{"lab":"a","pod":"p"}', 400, 'usage'],
    ['what is not JSON', 'labs', '{', 400, 'usage'],
  ])('refuses %s', async (_, method, body, status, code) => {
    const answer = await send({ method: 'POST', path: `/api/${method}`, headers: script(), body });
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toMatchObject({ error: { code } });
  });
});

describe('what a page of another site can try', () => {
  const evil = 'https://evil.example';
  const attempts: readonly (readonly [string, () => Parameters<typeof send>[0], number])[] = [
    ['cross-site GET of a method', () => ({ path: '/api/labs', headers: { 'sec-fetch-site': 'cross-site' } }), 405],
    ['cross-site GET with a stolen look', () => ({ path: `/api/labs?token=${server.token}`, headers: script() }), 405],
    ['form POST', () => ({ method: 'POST', path: '/api/labs', headers: { origin: evil, 'content-type': 'application/x-www-form-urlencoded' }, body: 'a=b' }), 403],
    ['form POST as text/plain JSON', () => ({ method: 'POST', path: '/api/labs', headers: { origin: evil, 'content-type': 'text/plain' }, body: '{}' }), 403],
    ['form POST without an Origin', () => ({ method: 'POST', path: '/api/labs', headers: { 'content-type': 'text/plain', authorization: `Bearer ${server.token}` }, body: '{}' }), 415],
    ['no-cors POST', () => ({ method: 'POST', path: '/api/labs', headers: { origin: evil, 'sec-fetch-mode': 'no-cors', 'sec-fetch-site': 'cross-site', 'content-type': 'text/plain' }, body: '{}' }), 403],
    ['POST from another origin even with the token', () => ({ method: 'POST', path: '/api/labs', headers: { ...script(), origin: evil }, body: '{}' }), 403],
    ['POST from another port of this host', () => ({ method: 'POST', path: '/api/labs', headers: { ...script(), origin: 'http://127.0.0.1:1' }, body: '{}' }), 403],
    ['POST from an opaque origin', () => ({ method: 'POST', path: '/api/labs', headers: { ...script(), origin: 'null' }, body: '{}' }), 403],
    ['POST that says it is cross-site', () => ({ method: 'POST', path: '/api/labs', headers: { ...script(), 'sec-fetch-site': 'cross-site' }, body: '{}' }), 403],
    ['preflight', () => ({ method: 'OPTIONS', path: '/api/labs', headers: { origin: evil, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' } }), 405],
    ['DNS rebinding, page', () => ({ headers: { host: `evil.example:${server.port}` } }), 403],
    ['DNS rebinding, call', () => ({ method: 'POST', path: '/api/labs', headers: { ...script(), host: `evil.example:${server.port}` }, body: '{}' }), 403],
    ['a Host without our port', () => ({ headers: { host: '127.0.0.1' } }), 403],
    ['a Host that only starts like ours', () => ({ headers: { host: `127.0.0.1:${server.port}.evil.example` } }), 403],
    ['no token', () => ({ method: 'POST', path: '/api/labs', headers: { 'content-type': 'application/json' }, body: '{}' }), 401],
    ['a wrong token', () => ({ method: 'POST', path: '/api/labs', headers: { 'content-type': 'application/json', authorization: 'Bearer wrong' }, body: '{}' }), 401],
    ['the token in the URL', () => ({ method: 'POST', path: `/api/labs?token=${server.token}`, headers: { 'content-type': 'application/json' }, body: '{}' }), 401],
    ['another content type with the token', () => ({ method: 'POST', path: '/api/labs', headers: { ...script(), 'content-type': 'application/json+evil' }, body: '{}' }), 415],
  ];

  it.each(attempts)('%s is refused, and nothing allows it across origins', async (_, attempt, status) => {
    const answer = await send(attempt());
    expect(answer.status).toBe(status);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
    expect(answer.body).not.toContain('running');
  });
});

describe('the WebSocket', () => {
  /** Opens a socket, sends the messages, and says how it went: the first answer, or the code of the close. */
  function converse(messages: readonly (string | Buffer)[], options: { path?: string; headers?: Record<string, string> } = {}): Promise<string> {
    return new Promise((resolve) => {
      const socket = new WebSocket(`ws://127.0.0.1:${server.port}${options.path ?? '/api'}`, { headers: options.headers ?? {} });
      socket.on('open', () => messages.forEach((message) => socket.send(message)));
      socket.on('message', (data: Buffer) => (resolve(data.toString()), socket.close()));
      socket.on('unexpected-response', (_, response) => resolve(`http ${response.statusCode}`));
      socket.on('close', (code) => resolve(`closed ${code}`));
      socket.on('error', (error) => resolve(error.message));
    });
  }
  const hello = (): string => JSON.stringify({ token: server.token });

  it('carries the channel after the token', async () => {
    const call = JSON.stringify({ t: 'q', i: '1', m: 'labs', a: [{}] });
    const answer = { t: 's', i: '1', r: [{ name: 'a', phase: 'running', pods: 1, ready: 1 }] };
    expect(JSON.parse(await converse([hello(), call]))).toEqual(answer);
    expect(JSON.parse(await converse([hello(), call], { headers: { origin: own() } }))).toEqual(answer);
  });

  it.each([
    ['no token', ['{}'], {}, 'closed 4401'],
    ['a wrong token', ['{"token":"wrong"}'], {}, 'closed 4401'],
    ['a token that is no string', ['{"token":{"toString":1}}'], {}, 'closed 4401'],
    ['null', ['null'], {}, 'closed 4401'],
    ['a call before the token', ['{"m":"labs"}'], {}, 'closed 4401'],
    ['another origin', [], { headers: { origin: 'https://evil.example' } }, 'http 403'],
    ['an opaque origin', [], { headers: { origin: 'null' } }, 'http 403'],
    ['a rebound name', [], { headers: { host: 'evil.example' } }, 'http 403'],
    ['the token in the URL', [], { path: '/api?token=x' }, 'http 403'],
    ['another path', [], { path: '/' }, 'http 403'],
  ])('refuses %s', async (_, messages, options, expected) => {
    const before = watched;
    expect(await converse(messages, options)).toBe(expected);
    expect(watched).toBe(before);
  });

  it('refuses the token as binary and a first message without end', async () => {
    expect(await converse([Buffer.from(hello())])).toBe('closed 4401');
    expect(await converse([JSON.stringify({ token: server.token, padding: 'x'.repeat(2000) })])).toBe('closed 4401');
  });
});

describe('starting', () => {
  it('says which port is taken', async () => {
    await expect(serveLab({ lab, rendererDir: folder, port: server.port })).rejects.toMatchObject({ code: 'port-taken' });
  });
});
