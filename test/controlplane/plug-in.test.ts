import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectControl } from '../../src/core/control/connect.ts';
import { cacerts, makePlugIn, type PlugInFiles } from '../fakes/plug-in.ts';
import { startTwoPods, type TwoPods } from '../fakes/two-pods.ts';
import { until } from '../fakes/wait.ts';
import { coreToken } from './fixture.ts';

/** The certificates of a proxy's secrets by name, as core shows them. */
type Shown = readonly { readonly name?: string; readonly tlsCertificate?: { readonly certificateChain?: { readonly inlineString?: string } }; readonly validationContext?: { readonly trustedCa?: { readonly inlineString?: string } } }[];

describe.skipIf(process.platform !== 'linux')('an authority that is plugged in (needs all of 127/8)', () => {
  let pods: TwoPods;
  beforeAll(async () => { pods = await startTwoPods(82); }, 30_000);
  afterAll(async () => { await pods?.close(); });

  const secrets = async (): Promise<Shown> => await pods.mesh.lab.core.proxyConfig('default/server', 'secrets') as Shown;
  const roots = async (): Promise<string> => (await secrets()).find(({ name }) => name === 'ROOTCA')?.validationContext?.trustedCa?.inlineString ?? '';
  const chain = async (): Promise<readonly X509Certificate[]> => ((await secrets()).find(({ name }) => name === 'default')?.tlsCertificate?.certificateChain?.inlineString ?? '').split(/(?<=-----END CERTIFICATE-----)\s*/).filter((pem) => pem.trim() !== '').map((pem) => new X509Certificate(pem));
  const plug = async (secret: string | undefined): Promise<void> => {
    const { core } = pods.mesh.lab;
    const files = (await core.files()).filter(({ path }) => path !== 'cacerts.yaml');
    expect((await core.setFiles([...files, ...(secret === undefined ? [] : [{ path: 'cacerts.yaml', text: secret }])])).applied).toBe(true);
  };
  const trusts = async (text: string): Promise<void> => { await until('the root everywhere, alone', async () => (await roots()).trim() === text.trim() && (await pods.trusted('caller')) === 1 && (await pods.trusted('server')) === 1, 15_000); };
  const problem = async (): Promise<string> => (await pods.mesh.lab.core.status()).diagnostics.find(({ code }) => code === 'WEFT0908')?.message ?? '';

  test.each([['RSA, PKCS#1', 'rsa'], ['EC, SEC1', 'ec']] as const)('signs for everybody (%s), without a lost request', async (_, kind) => {
    const files = await makePlugIn(`Istio ${kind}`, kind);
    const counts = await pods.underLoad(async () => {
      await plug(cacerts(files));
      await trusts(files['root-cert.pem']);
      for (let more = 0; more < 20; more += 1) expect(await pods.get()).toBe('200');
    });
    expect(Object.keys(counts)).toEqual(['200']);
    const [leaf, issuer, root] = await chain();
    expect([leaf?.issuer, issuer?.issuer, root?.subject]).toEqual([`O=Istio ${kind}\nCN=Intermediate CA\nL=cluster1`, `O=Istio ${kind}\nCN=Root CA`, `O=Istio ${kind}\nCN=Root CA`]);
    expect(leaf?.subjectAltName).toBe('URI:spiffe://cluster.local/ns/default/sa/server');
  }, 40_000);

  test.each<[string, (good: PlugInFiles, other: PlugInFiles) => Readonly<Record<string, string>>, RegExp]>([
    ['a file is missing', ({ 'root-cert.pem': root }) => ({ 'root-cert.pem': root }), /needs root-cert\.pem, ca-cert\.pem and ca-key\.pem/],
    ['the key is another’s', (good, other) => ({ ...good, 'ca-key.pem': other['ca-key.pem'] }), /ca-key\.pem is not the key of ca-cert\.pem/],
    ['the root is another’s', (good, other) => ({ ...good, 'root-cert.pem': other['root-cert.pem'] }), /does not lead to root-cert\.pem/],
    ['it is no certificate', (good) => ({ ...good, 'ca-cert.pem': 'hello' }), /do not read/],
  ])('changes nothing and is named when %s', async (_, files, words) => {
    const before = await roots();
    await plug(cacerts(files(await makePlugIn('bad', 'ec'), await makePlugIn('other', 'ec'))));
    await until('the reason', async () => words.test(await problem()), 5000);
    expect(await roots()).toBe(before);
    expect(await pods.get()).toBe('200');
  });

  test('gives way to the lab’s own again when the Secret is gone', async () => {
    await plug(undefined);
    await trusts(pods.mesh.lab.root.certificate);
    expect(await pods.get()).toBe('200');
    expect(await problem()).toBe('');
    expect((await chain()).length).toBe(1);
  }, 20_000);

  test('goes on after a restart, and whoever knows the lab’s first root only still finds the control plane', async () => {
    const { lab } = pods.mesh;
    const files = await makePlugIn('Istio again');
    await plug(cacerts(files));
    await trusts(files['root-cert.pem']);
    await lab.restart();
    const client = await connectControl({ host: '127.0.0.1', port: lab.control.port, token: coreToken, root: lab.root.certificate });
    await until('the proxies to be back', async () => (await client.status()).proxies.every(({ connected }) => connected), 10_000);
    expect(JSON.stringify(await client.proxyConfig('default/server', 'secrets'))).toContain(JSON.stringify(files['root-cert.pem'].trim()).slice(1, -1));
    expect(await pods.get()).toBe('200');
    client.close();
  }, 40_000);
});
