import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SourceFile } from '../../src/manifest/index.ts';
import { cacerts, makePlugIn, type PlugInFiles } from '../fakes/plug-in.ts';
import { hasPeer, noEngine, sample, startLab, until, type TestLab } from './support/index.ts';

const why = noEngine ?? (hasPeer ? undefined : 'Istio’s sample files are not here');
const installed = (meshConfig: unknown): SourceFile => ({ path: 'istio.yaml', text: JSON.stringify({ apiVersion: 'install.istio.io/v1alpha1', kind: 'IstioOperator', metadata: { name: 'istio' }, spec: { profile: 'minimal', meshConfig } }) });
const plugged = (files: PlugInFiles): SourceFile => ({ path: 'cacerts.yaml', text: cacerts(files) });
const into = (namespace: string, files: readonly SourceFile[]): readonly SourceFile[] => files.map((file) => ({ ...file, path: `${namespace}/${file.path}`, namespace }));

/** A pod without a sidecar, whose TLS is its own. */
const stranger: SourceFile = { path: 'stranger.yaml', text: JSON.stringify({
  apiVersion: 'v1', kind: 'Pod', metadata: { name: 'stranger', labels: { app: 'stranger' }, annotations: { 'sidecar.istio.io/inject': 'false' } },
  spec: { containers: [{ name: 'stranger', image: 'curlimages/curl', command: ['sleep', 'infinity'] }] },
}) };
/** Only curl of another namespace may GET from httpbin, named by the trust domain that the mesh began with. */
const policy: SourceFile = { path: 'policy.yaml', text: JSON.stringify({
  apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy', metadata: { name: 'service-httpbin.default.svc.cluster.local', namespace: 'default' },
  spec: { selector: { matchLabels: { app: 'httpbin' } }, action: 'ALLOW', rules: [{ from: [{ source: { principals: ['old-td/ns/curl-allow/sa/curl'] } }], to: [{ operation: { methods: ['GET'] } }] }] },
}) };

describe.skipIf(why !== undefined)(`Istio’s task pages on certificates, TLS versions and trust domains${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let lab: TestLab;
  let files: PlugInFiles;

  beforeAll(async () => {
    files = await makePlugIn('Istio');
    lab = await startLab('certify', [installed({ trustDomain: 'old-td', meshMTLS: { minProtocolVersion: 'TLSV1_3' } }), plugged(files), stranger, ...sample('httpbin/httpbin.yaml', 'curl/curl.yaml'), ...into('curl-allow', sample('curl/curl.yaml'))]);
    await lab.synced();
  });
  afterAll(async () => { await lab?.down(); });

  const status = async (from: string): Promise<string> => (await lab.exec(`${from}/curl`, 'curl', '-s', '-o', '/dev/null', '-m', '5', '-w', '%{http_code}', 'http://httpbin.default:8000/ip')).output.trim();
  /** A TLS handshake with httpbin’s sidecar: version and who has signed, one line each; or why there is none. */
  const handshake = async (version: string): Promise<readonly string[]> => {
    const program = `const s=require('tls').connect({host:'httpbin',port:8000,ALPNProtocols:['istio'],rejectUnauthorized:false,minVersion:'${version}',maxVersion:'${version}'},()=>{const c=[];for(let p=s.getPeerCertificate(true);p&&!c.includes(p.fingerprint256);p=p.issuerCertificate)c.push(p.fingerprint256);const l=s.getPeerCertificate();console.log([s.getProtocol(),l.subjectaltname,...c.slice(1)].join('\\n'));process.exit()});s.on('error',(e)=>{console.log(e.code);process.exit()})`;
    return (await lab.exec('stranger', 'node', '-e', program)).output.trim().split(/\r?\n/);
  };
  const fingerprint = async (pem: string): Promise<string> => new (await import('node:crypto')).X509Certificate(pem).fingerprint256;

  it('plug in CA certificates: workloads have certificates of the plugged-in issuer, up to its root; another one takes over without a lost request', async () => {
    expect(await handshake('TLSv1.3')).toEqual(['TLSv1.3', 'URI:spiffe://old-td/ns/default/sa/httpbin', await fingerprint(files['ca-cert.pem']), await fingerprint(files['root-cert.pem'])]);
    expect(await status('default')).toBe('200');
    await until('a record with mTLS', async () => (await lab.records({ service: 'httpbin' })).some(({ mtls, status: code }) => mtls && code === 200));
    const other = await makePlugIn('Another', 'ec');
    const answers: string[] = [];
    let over = false;
    const asking = (async () => { while (!over) answers.push(await status('default')); })();
    await lab.apply([plugged(other)]);
    const expected = [await fingerprint(other['ca-cert.pem']), await fingerprint(other['root-cert.pem'])];
    await until('the other issuer', async () => (await handshake('TLSv1.3')).slice(2).join() === expected.join(), 20_000);
    over = true;
    await asking;
    expect([...new Set(answers)]).toEqual(['200']);
    expect((await lab.status()).diagnostics.filter(({ level }) => level !== 'info')).toEqual([]);
  });

  it('workload minimum TLS version: 1.3 is spoken, 1.2 is not', async () => {
    expect((await handshake('TLSv1.3'))[0]).toBe('TLSv1.3');
    expect(await handshake('TLSv1.2')).toEqual([expect.stringMatching(/ECONNRESET|ERR_SSL|EPROTO/) as string]);
  });

  it('trust domain migration: another domain is nobody that the policy knows, until the old one is its alias', async () => {
    const both = async (expected: readonly string[]): Promise<void> => {
      let last: readonly string[] = [];
      await until(`curl of both namespaces to get ${expected.join(' and ')}`, async () => (last = [await status('default'), await status('curl-allow')]).join() === expected.join(), 60_000).catch((error: unknown) => { throw new Error(`${String(error)}; last: ${last.join()}`); });
    };
    const identity = async (): Promise<string | undefined> => (await handshake('TLSv1.3'))[1];
    await lab.apply([policy]);
    await both(['403', '200']);
    await lab.apply([installed({ trustDomain: 'new-td' })]);
    await until('httpbin to be made anew in the new domain', async () => (await identity()) === 'URI:spiffe://new-td/ns/default/sa/httpbin', 60_000);
    await both(['403', '403']);
    await lab.apply([installed({ trustDomain: 'new-td', trustDomainAliases: ['old-td'] })]);
    await both(['403', '200']);
    expect(await identity()).toBe('URI:spiffe://new-td/ns/default/sa/httpbin');
  });
});
