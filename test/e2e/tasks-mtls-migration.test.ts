import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SourceFile } from '../../src/manifest/index.ts';
import { hasPeer, noEngine, sample, startLab, until, type TestLab } from './support/index.ts';

const why = noEngine ?? (hasPeer ? undefined : 'Istio’s sample files are not here');
const into = (namespace: string, files: readonly SourceFile[]): readonly SourceFile[] => files.map((file) => ({ ...file, path: `${namespace}/${file.path}`, namespace }));
const strict = (namespace: string): SourceFile => ({ path: `strict-${namespace}.yaml`, text: `apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata:\n  name: default\n  namespace: ${namespace}\nspec:\n  mtls:\n    mode: STRICT\n` });

describe.skipIf(why !== undefined)(`Istio’s task page on mutual TLS migration${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let lab: TestLab;

  beforeAll(async () => {
    lab = await startLab('test-mtls', [
      { path: 'namespaces.yaml', text: 'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: legacy\n  labels:\n    istio-injection: disabled\n' },
      ...into('foo', sample('httpbin/httpbin.yaml', 'curl/curl.yaml')), ...into('bar', sample('httpbin/httpbin.yaml', 'curl/curl.yaml')), ...into('legacy', sample('curl/curl.yaml')),
    ]);
    await lab.synced();
  });
  afterAll(async () => { await lab?.down(); });

  /** curl from one namespace's pod to another namespace's httpbin: the status, `000` when the connection is refused or reset. */
  const call = async (from: string, to: string): Promise<string> => (await lab.exec(`${from}/curl`, 'curl', '-s', '-o', '/dev/null', '-m', '5', '-w', '%{http_code}', `http://httpbin.${to}:8000/ip`)).output.trim();

  const calls = async (): Promise<Readonly<Record<string, string>>> => Object.fromEntries(await Promise.all(['foo', 'bar', 'legacy'].flatMap((from) => ['foo', 'bar'].map(async (to) => [`${from} → ${to}`, await call(from, to)]))));

  it('permissive: plaintext and mutual TLS both get through', async () => {
    expect(await calls()).toEqual({ 'foo → foo': '200', 'foo → bar': '200', 'bar → foo': '200', 'bar → bar': '200', 'legacy → foo': '200', 'legacy → bar': '200' });
    await until('records of both kinds', async () => {
      const records = (await lab.records({ text: '/ip' })).filter((record) => record.reporter === 'destination');
      return records.some((record) => record.mtls && record.source.namespace === 'foo') && records.some((record) => !record.mtls);
    });
  });

  it('strict in foo: plaintext is locked out of foo, and still gets into bar', async () => {
    await lab.apply([strict('foo')]);
    expect(await calls()).toEqual({ 'foo → foo': '200', 'foo → bar': '200', 'bar → foo': '200', 'bar → bar': '200', 'legacy → foo': '000', 'legacy → bar': '200' });
  });

  it('strict in the whole mesh: plaintext is locked out everywhere', async () => {
    await lab.delete([strict('foo')]);
    await lab.apply([strict('istio-system')]);
    expect(await calls()).toEqual({ 'foo → foo': '200', 'foo → bar': '200', 'bar → foo': '200', 'bar → bar': '200', 'legacy → foo': '000', 'legacy → bar': '000' });
    await lab.delete([strict('istio-system')]);
    expect(await call('legacy', 'foo')).toBe('200');
  });
});
