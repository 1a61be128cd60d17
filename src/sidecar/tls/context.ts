import { createSecureContext, type SecureContext, type SecureVersion } from 'node:tls';
import { compileString, type StringTest } from '../../routing/index.ts';
import type { CommonTlsContext } from '../../xds/index.ts';
import { readDataSource, type SecretMaterial, type SecretStore } from './secrets.ts';

/** TLS 1.3's suites and the AEAD suites of TLS 1.2 with forward secrecy; nothing else is ever offered. */
const aeadCiphers = [
  'TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305',
];

/** A CommonTlsContext with its secrets put in. */
export interface TlsContext {
  readonly secure: SecureContext;
  /** Whether the peer's certificate is validated against roots. */
  readonly validates: boolean;
  /** The peer must be a workload of the mesh: the roots are the mesh's. */
  readonly spiffe: boolean;
  /** The peer must have one of these names; empty means that any will do. */
  readonly names: readonly NameTest[];
  readonly alpn: readonly string[];
}

export interface NameTest {
  readonly type: 'EMAIL' | 'DNS' | 'URI' | 'IP_ADDRESS' | 'any';
  readonly test: StringTest['test'];
}

/** Protocols that the codecs behind a TLS connection speak; others are left out of ALPN. */
const spoken = new Set(['http/1.1', 'http/1.0', 'istio', 'istio-http/1.1', 'istio-http/1.0', 'istio-peer-exchange']);

/**
 * Makes contexts from config and secrets, and keeps them until either changes. A context is asked for per connection, so that a renewed
 * certificate is used by the next connection and those that are open keep theirs.
 */
export class TlsContexts {
  readonly #secrets: SecretStore;
  #made = new WeakMap<CommonTlsContext, TlsContext>();
  #generation = -1;

  constructor(secrets: SecretStore) {
    this.#secrets = secrets;
  }

  /** Throws with a reason when a secret that the config names is not there. */
  get(config: CommonTlsContext): TlsContext {
    if (this.#generation !== this.#secrets.generation) {
      this.#made = new WeakMap();
      this.#generation = this.#secrets.generation;
    }
    const known = this.#made.get(config);
    if (known !== undefined) return known;
    const made = makeContext(config, this.#secrets);
    this.#made.set(config, made);
    return made;
  }
}

function makeContext(config: CommonTlsContext, secrets: SecretStore): TlsContext {
  const certificate = certificateOf(config, secrets);
  const validation = validationOf(config, secrets);
  const secure = createSecureContext({
    ...(certificate === undefined ? {} : { cert: certificate.chain, key: certificate.key }),
    ...(validation.roots === undefined ? {} : { ca: validation.roots }),
    ...versions(config), sessionIdContext: 'weft', honorCipherOrder: true,
  });
  return { secure, validates: validation.validates, spiffe: validation.spiffe, names: validation.names, alpn: (config.alpnProtocols ?? []).filter((protocol) => spoken.has(protocol)) };
}

function versions(config: CommonTlsContext): { minVersion: SecureVersion; maxVersion: SecureVersion; ciphers: string } {
  const { tlsMinimumProtocolVersion, tlsMaximumProtocolVersion, cipherSuites = [] } = config.tlsParams ?? {};
  const chosen = cipherSuites.filter((suite) => aeadCiphers.includes(suite));
  if (cipherSuites.length > 0 && chosen.length === 0) throw new Error(`none of the cipher suites ${cipherSuites.join(', ')} is allowed`);
  return {
    minVersion: tlsMinimumProtocolVersion === 'TLSv1_3' ? 'TLSv1.3' : 'TLSv1.2',
    maxVersion: tlsMaximumProtocolVersion === 'TLSv1_2' ? 'TLSv1.2' : 'TLSv1.3',
    ciphers: (chosen.length === 0 ? aeadCiphers : [...aeadCiphers.slice(0, 3), ...chosen]).join(':'),
  };
}

function certificateOf(config: CommonTlsContext, secrets: SecretStore): { chain: string; key: string } | undefined {
  const name = config.tlsCertificateSdsSecretConfigs?.[0]?.name;
  const inline = config.tlsCertificates?.[0];
  if (name === undefined && inline === undefined) return undefined;
  const material: SecretMaterial = name === undefined ? inlineMaterial(inline) : need(secrets, name);
  if (material.chain === undefined || material.key === undefined) throw new Error(`the secret ${name ?? 'in the config'} has no certificate and key`);
  return { chain: material.chain, key: material.key };
}

function inlineMaterial(inline: NonNullable<CommonTlsContext['tlsCertificates']>[number] | undefined): SecretMaterial {
  const chain = readDataSource(inline?.certificateChain);
  const key = readDataSource(inline?.privateKey);
  return { ...(chain === undefined ? {} : { chain }), ...(key === undefined ? {} : { key }) };
}

interface Validation {
  readonly validates: boolean;
  readonly spiffe: boolean;
  /** `undefined` with `validates`: the roots that Node ships. */
  readonly roots: string | undefined;
  readonly names: readonly NameTest[];
}

function validationOf(config: CommonTlsContext, secrets: SecretStore): Validation {
  const secret = (config.combinedValidationContext?.validationContextSdsSecretConfig ?? config.validationContextSdsSecretConfig)?.name;
  const context = config.combinedValidationContext?.defaultValidationContext ?? config.validationContext;
  const names = nameTests(context);
  if (secret !== undefined && secret !== 'file-root:system') {
    const { roots } = need(secrets, secret);
    if (roots === undefined) throw new Error(`the secret ${secret} has no trust bundle`);
    return { validates: true, spiffe: secret === 'ROOTCA', roots, names };
  }
  const roots = readDataSource(context?.trustedCa);
  const system = secret !== undefined || context?.systemRootCerts !== undefined;
  return { validates: context?.trustChainVerification !== 'ACCEPT_UNTRUSTED' && (system || roots !== undefined), spiffe: false, roots, names };
}

function nameTests(context: CommonTlsContext['validationContext']): NameTest[] {
  const typed = (context?.matchTypedSubjectAltNames ?? []).map(({ sanType, matcher }): NameTest => ({
    type: sanType === 'EMAIL' || sanType === 'DNS' || sanType === 'URI' || sanType === 'IP_ADDRESS' ? sanType : 'any', test: compileString(matcher ?? {}).test,
  }));
  return [...typed, ...(context?.matchSubjectAltNames ?? []).map((matcher): NameTest => ({ type: 'any', test: compileString(matcher).test }))];
}

function need(secrets: SecretStore, name: string): SecretMaterial {
  const found = secrets.get(name);
  if (found === undefined) throw new Error(`the secret ${name} is not here`);
  return found;
}
