import 'reflect-metadata';
import { X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FromControlPlane } from '../../src/contract/index.ts';
import { loadAuthority } from '../../src/controlplane/ca.ts';
import { createRoot } from '../../src/core/control/root.ts';
import { csr, pod, startFixture, until, type Fixture } from './fixture.ts';

const hour = 3600 * 1000;

describe('the certificate authority', () => {
  it('signs a workload certificate that SPIFFE accepts, with the given identity and nothing of the request', async () => {
    const root = await createRoot('cluster.local');
    const authority = await loadAuthority(root, Date.now);
    const { pem } = await csr(['spiffe://cluster.local/ns/kube-system/sa/admin']);
    const issued = await authority.sign(pem, 'spiffe://cluster.local/ns/default/sa/reviews');
    const node = new X509Certificate(issued.chain);
    expect(node.subjectAltName).toBe('URI:spiffe://cluster.local/ns/default/sa/reviews');
    expect(node.ca).toBe(false);
    expect(node.subject ?? '').toBe('');
    expect(node.verify(new X509Certificate(root.certificate).publicKey)).toBe(true);
    const certificate = new x509.X509Certificate(issued.chain);
    const usage = certificate.getExtension(x509.KeyUsagesExtension);
    expect(usage?.critical).toBe(true);
    expect(usage?.usages).toBe(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment);
    expect(certificate.getExtension(x509.ExtendedKeyUsageExtension)?.usages).toEqual([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]);
    expect(certificate.getExtension(x509.SubjectAlternativeNameExtension)?.critical).toBe(true);
    expect(issued.expires - Date.now()).toBeGreaterThan(23.9 * hour);
    expect(issued.expires - Date.now()).toBeLessThanOrEqual(24 * hour);
    const again = await authority.sign(pem, 'spiffe://cluster.local/ns/default/sa/reviews');
    expect(new X509Certificate(again.chain).serialNumber).not.toBe(node.serialNumber);
  });

  it('makes a root for ten years that signs certificates only', async () => {
    const certificate = new x509.X509Certificate((await createRoot('example.org')).certificate);
    expect(certificate.subject).toBe('O=example.org');
    expect(certificate.getExtension(x509.BasicConstraintsExtension)).toMatchObject({ ca: true, critical: true });
    expect(certificate.getExtension(x509.KeyUsagesExtension)?.usages).toBe(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign);
    expect(certificate.notAfter.getTime() - Date.now()).toBeGreaterThan(9.9 * 365 * 24 * hour);
  });

  it.each([
    ['garbage', () => Promise.resolve('-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----')],
    ['nothing', () => Promise.resolve('')],
    ['something huge', () => Promise.resolve('x'.repeat(1 << 20))],
    ['a request whose signature is wrong', async () => {
      const raw = Buffer.from(new x509.Pkcs10CertificateRequest((await csr()).pem).rawData);
      raw[raw.length - 5] = (raw[raw.length - 5] ?? 0) ^ 1;
      return x509.PemConverter.encode(raw, 'CERTIFICATE REQUEST');
    }],
  ])('refuses %s', async (_name, make) => {
    const authority = await loadAuthority(await createRoot('cluster.local'), Date.now);
    await expect(authority.sign(await make(), 'spiffe://cluster.local/ns/a/sa/b')).rejects.toMatchObject({ name: 'CsrRefused' });
  });
});

describe('who is let in', () => {
  let lab: Fixture;
  beforeAll(async () => {
    lab = await startFixture({ limits: { firstLineWithin: 400, maxFirstLine: 4096 } });
    await lab.core.setPods([pod('a'), pod('plain', { sidecar: false, tokenHash: '' })]);
  });
  afterAll(() => lab.close());

  it('takes nobody for late who spoke while the process was busy', async () => {
    const proxy = await lab.proxy('a');
    // What the proxy says is on its way, and the clock of its first line runs.
    await new Promise((resolve) => { setImmediate(resolve); });
    const busyUntil = Date.now() + 900;
    while (Date.now() < busyUntil);
    await until('it is served', () => proxy.pushes.length > 0);
    expect(proxy.closed()).toBe(false);
  });

  it('gives a proxy the certificate of its registration', async () => {
    const proxy = await lab.proxy('a');
    proxy.say({ csr: { id: 7, pem: (await csr(['spiffe://cluster.local/ns/x/sa/y'])).pem } });
    const found = (): Extract<FromControlPlane, { certificate: unknown }> | undefined => proxy.received.find((message) => 'certificate' in message);
    await until('the certificate is there', () => found() !== undefined);
    expect(found()?.certificate.id).toBe(7);
    expect(found()?.certificate.roots).toBe(lab.root.certificate);
    expect(new X509Certificate(found()?.certificate.chain ?? '').subjectAltName).toBe('URI:spiffe://cluster.local/ns/default/sa/sa-a');
    expect((await lab.core.status()).proxies[0]?.certificateExpires).toBeGreaterThan(Date.now());
    expect(JSON.stringify(await lab.core.proxyConfig('default/a', 'secrets'))).toContain('[redacted]');
  });

  it('answers a request that it cannot sign with an error', async () => {
    const proxy = await lab.proxy('a');
    proxy.say({ csr: { id: 1, pem: 'nonsense' } });
    await until('there is an error', () => proxy.received.some((message) => 'error' in message && message.error.code === 'csr-refused'));
    expect(proxy.closed()).toBe(false);
  });

  it.each([
    ['a wrong token', 'a', { token: 'guess' }],
    ['a pod that is not registered', 'nobody', {}],
    ['a pod that has no proxy', 'plain', { token: '' }],
    ['a node id of another pod', 'a', { node: 'sidecar~10.0.0.9~b.default~default.svc.cluster.local' }],
    ['a sidecar that says it is a gateway', 'a', { type: 'router' as const }],
  ])('refuses %s', async (_name, name, options) => {
    const proxy = await lab.proxy(name, options);
    await until('it is cut off', () => proxy.closed());
    expect(proxy.received).toMatchObject([{ error: { code: 'refused' } }]);
    expect(JSON.stringify(lab.log)).not.toContain('guess');
  });

  it.each([
    ['says nothing', ''],
    ['starts with a request', '{"request":{"typeUrl":"x","versionInfo":"","responseNonce":""}}\n'],
    ['sends garbage', 'GET / HTTP/1.1\r\n\r\n'],
    ['sends a first line without end', 'x'.repeat(10_000)],
    ['has the wrong token of core', '{"core":{"token":"guess"}}\n'],
  ])('cuts off a client that %s', async (_name, text) => {
    const socket = await lab.dial();
    socket.on('error', () => undefined);
    let closed = false;
    socket.on('close', () => { closed = true; }).resume();
    if (text !== '') socket.write(text);
    await until('it is cut off', () => closed);
    expect((await lab.core.status()).proxies).toHaveLength(1);
  });

  it('closes a proxy that speaks nonsense after hello, and takes it back', async () => {
    const proxy = await lab.proxy('a', { subscribe: false });
    proxy.socket.write('{"surprise":1}\n');
    await until('it is cut off', () => proxy.closed());
    const again = await lab.proxy('a');
    await until('it is connected', () => again.pushes.length > 0);
  });

  it('closes the connection of a pod that is gone', async () => {
    await lab.core.setPods([pod('a'), pod('b')]);
    const proxy = await lab.proxy('b');
    await until('it is connected', () => proxy.pushes.length > 0);
    await lab.core.setPods([pod('a')]);
    await until('it is cut off', () => proxy.closed());
  });

  it('speaks TLS 1.3 only', async () => {
    const { connect } = await import('node:tls');
    const failure = await new Promise<string>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: lab.control.port, servername: 'istiod.istio-system.svc', ca: lab.root.certificate, maxVersion: 'TLSv1.2' }, () => resolve('connected'));
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
    });
    expect(failure).not.toBe('connected');
  });
});
