import tls from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { TlsContexts } from '../../../src/sidecar/tls/context.ts';
import { createSecretStore } from '../../../src/sidecar/tls/secrets.ts';

const node = tls as { setDefaultCACertificates?: (roots: readonly string[]) => void };
const own = Object.getOwnPropertyDescriptor(tls, 'setDefaultCACertificates');
afterEach(() => {
  if (own === undefined) delete node.setDefaultCACertificates;
  else Object.defineProperty(tls, 'setDefaultCACertificates', own);
});

test('public roots are trusted from the first config on that validates by them, and not before', () => {
  const set: number[] = [];
  Object.defineProperty(tls, 'setDefaultCACertificates', { configurable: true, value: (roots: readonly string[]) => { set.push(roots.length); } });
  const contexts = new TlsContexts(createSecretStore());
  expect(contexts.get({ validationContext: { trustChainVerification: 'ACCEPT_UNTRUSTED' } }).validates).toBe(false);
  expect(set).toEqual([]);
  expect(contexts.get({ validationContextSdsSecretConfig: { name: 'file-root:system' } }).validates).toBe(true);
  expect(contexts.get({ validationContext: { systemRootCerts: {} } }).validates).toBe(true);
  expect(set).toEqual([tls.rootCertificates.length]);
});
