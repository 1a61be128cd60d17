import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import type { WantedKeys } from '../../src/compile/index.ts';
import { createKeySets, type KeySets } from '../../src/controlplane/key-sets.ts';

const closing: (() => void)[] = [];
afterEach(() => { for (const close of closing.splice(0)) close(); });

interface Made { readonly keys: KeySets; readonly url: string; answer: { status: number; body: string }; changes: number; failing: readonly string[]; asked: number }

/** Key sets that are fetched from a server of this test. */
async function start(): Promise<Made> {
  const server: Server = createServer((request, response) => {
    made.asked++;
    const description = request.url?.endsWith('openid-configuration') === true;
    response.writeHead(made.answer.status).end(description ? JSON.stringify({ jwks_uri: `${made.url}/keys` }) : made.answer.body);
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const keys = createKeySets({ fetch, changed: () => { made.changes++; }, failing: (reasons) => { made.failing = reasons; }, intervals: { refresh: 20, retry: 20 } });
  const made: Made = { keys, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, answer: { status: 200, body: '{"keys":[{"kid":"a"}]}' }, changes: 0, failing: [], asked: 0 };
  closing.push(() => keys.stop(), () => server.closeAllConnections(), () => server.close());
  return made;
}
const wanted = (url: string, kind: WantedKeys['kind'] = 'jwks'): ReadonlyMap<string, WantedKeys> => new Map([[url, { kind, url, timeout: 2000 }]]);

test('keys are fetched, kept fresh, and kept when the issuer fails', async () => {
  const made = await start();
  const url = `${made.url}/jwks`;
  made.keys.want(wanted(url));
  await vi.waitFor(() => { expect(made.keys.known.get(url)).toBe('{"keys":[{"kid":"a"}]}'); });
  made.answer = { status: 200, body: '{"keys":[{"kid":"b"}]}' };
  await vi.waitFor(() => { expect(made.keys.known.get(url)).toBe('{"keys":[{"kid":"b"}]}'); });
  expect(made.changes).toBe(2);
  for (const [answer, why] of [[{ status: 500, body: '' }, 'it answers 500'], [{ status: 200, body: 'x' }, 'it is not JSON'], [{ status: 200, body: '{}' }, 'it is not a JSON Web Key Set'], [{ status: 200, body: ' '.repeat(1_100_000) }, 'it is larger than a megabyte']] as const) {
    made.answer = answer;
    await vi.waitFor(() => { expect(made.failing).toEqual([`${url}: ${why} (the last keys stay in force)`]); });
  }
  expect(made.keys.known.get(url)).toBe('{"keys":[{"kid":"b"}]}');
  made.answer = { status: 200, body: '{"keys":[]}' };
  await vi.waitFor(() => { expect(made.failing).toEqual([]); });
});

test('an issuer says by itself where its keys are', async () => {
  const made = await start();
  const url = `${made.url}/.well-known/openid-configuration`;
  made.keys.want(wanted(url, 'discovery'));
  await vi.waitFor(() => { expect(made.keys.known.get(url)).toBe('{"keys":[{"kid":"a"}]}'); });
});

test('what nobody wants any more is forgotten and not asked for', async () => {
  const made = await start();
  const url = `${made.url}/jwks`;
  made.keys.want(wanted(url));
  await vi.waitFor(() => { expect(made.keys.known.size).toBe(1); });
  made.keys.want(new Map());
  expect(made.keys.known.size).toBe(0);
});
