import tls, { createSecureContext, rootCertificates, type SecureContext, type SecureVersion } from 'node:tls';
import { compileString, type StringTest } from '../../routing/index.ts';
import type { CommonTlsContext } from '../../xds/index.ts';
import { readDataSource, type SecretMaterial, type SecretStore } from './secrets.ts';

/** TLS 1.3's suites and the AEAD suites of TLS 1.2 with forward secrecy; nothing else is offered by itself, and nothing else ever between workloads. */
const aeadCiphers = [
  'TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305',
];

/** Further suites of TLS 1.2 that a gateway's `cipherSuites` may ask for by name, as Istio lets it. */
const namedCiphers = new Set([
  ...aeadCiphers, 'AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'ECDHE-ECDSA-AES128-SHA', 'ECDHE-RSA-AES128-SHA', 'ECDHE-ECDSA-AES256-SHA', 'ECDHE-RSA-AES256-SHA', 'AES128-SHA', 'AES256-SHA',
]);

/** A CommonTlsContext with its secrets put in. */
export interface TlsContext {
  readonly secure: SecureContext;
  /** Whether the peer's certificate is validated against roots. */
  readonly validates: boolean;
  /** The peer must be a workload of the mesh: the roots are the mesh's. */
  readonly spiffe: boolean;
  /** Trust domains besides the proxy's own of which the config expects peers: the mesh's aliases. */
  readonly trustDomains: readonly string[];
  /** The peer must have one of these names; empty means that any will do. */
  readonly names: readonly NameTest[];
  /** SHA-256 of the certificates, or of their public keys, one of which the peer must have; empty for any. Hexadecimal and base64, as in Envoy. */
  readonly pins: { readonly certificates: ReadonlySet<string>; readonly keys: ReadonlySet<string> };
  readonly alpn: readonly string[];
}

export interface NameTest {
  readonly type: 'EMAIL' | 'DNS' | 'URI' | 'IP_ADDRESS' | 'any';
  readonly test: StringTest['test'];
}

/** Protocols that the codecs behind a TLS connection speak; others are left out of ALPN. */
const spoken = new Set(['h2', 'istio-h2', 'http/1.1', 'http/1.0', 'istio', 'istio-http/1.1', 'istio-http/1.0', 'istio-peer-exchange']);

/**
 * Makes contexts from config and secrets, and keeps them until either changes. A context is asked for per connection, so that a renewed
 * certificate is used by the next connection and those that are open keep theirs.
 */
export class TlsContexts {
  readonly #secrets: SecretStore;
  #made = new WeakMap<CommonTlsContext, TlsContext>();
  #generation = -1;
  #rooted = false;

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
    const made = makeContext(config, this.#secrets, () => { this.#trustPublicRoots(); });
    this.#made.set(config, made);
    return made;
  }

  /** The public roots are decoded when the first config needs them: a sidecar's Node runs without, as they take 1.5 MB. Node before 22.19 has them always. */
  #trustPublicRoots(): void {
    if (this.#rooted) return;
    (tls as { readonly setDefaultCACertificates?: (roots: readonly string[]) => void }).setDefaultCACertificates?.(rootCertificates);
    this.#rooted = true;
  }
}

function makeContext(config: CommonTlsContext, secrets: SecretStore, trustPublicRoots: () => void): TlsContext {
  const certificates = certificatesOf(config, secrets);
  const validation = validationOf(config, secrets);
  if (validation.validates && validation.roots === undefined) trustPublicRoots();
  const secure = createSecureContext({
    ...(certificates.length === 0 ? {} : { cert: certificates.map(({ chain }) => chain), key: certificates.map(({ key }) => key) }),
    ...(validation.roots === undefined ? {} : { ca: validation.roots }),
    ...(validation.crl === undefined ? {} : { crl: validation.crl }),
    ...parameters(config, validation.spiffe), sessionIdContext: 'weft', honorCipherOrder: true,
  });
  const { validates, spiffe, names, pins } = validation;
  return { secure, validates, spiffe, names, pins, trustDomains: expectedDomains(config), alpn: (config.alpnProtocols ?? []).filter((protocol) => spoken.has(protocol)) };
}

/** The trust domains that the config's own words on peers name, `spiffe://DOMAIN/…`. */
function expectedDomains({ combinedValidationContext, validationContext }: CommonTlsContext): readonly string[] {
  const matchers = (combinedValidationContext?.defaultValidationContext ?? validationContext)?.matchTypedSubjectAltNames ?? [];
  return matchers.flatMap(({ matcher }) => /^spiffe:\/\/([^/]+)\//.exec(matcher?.exact ?? matcher?.prefix ?? '')?.[1] ?? []);
}

/** Versions and suites. TLS 1.0 and 1.1 are not spoken: a config that allows nothing newer is refused instead of widened. */
function parameters(config: CommonTlsContext, spiffe: boolean): { minVersion: SecureVersion; maxVersion: SecureVersion; ciphers: string } {
  const { tlsMinimumProtocolVersion, tlsMaximumProtocolVersion, cipherSuites = [] } = config.tlsParams ?? {};
  if (tlsMaximumProtocolVersion === 'TLSv1_0' || tlsMaximumProtocolVersion === 'TLSv1_1') throw new Error(`TLS 1.2 is the oldest version that is spoken, and ${tlsMaximumProtocolVersion} the newest that the config allows`);
  const chosen = cipherSuites.filter((suite) => (spiffe ? aeadCiphers.includes(suite) : namedCiphers.has(suite)));
  if (cipherSuites.length > 0 && chosen.length === 0) throw new Error(`none of the cipher suites ${cipherSuites.join(', ')} is allowed`);
  return {
    minVersion: tlsMinimumProtocolVersion === 'TLSv1_3' ? 'TLSv1.3' : 'TLSv1.2',
    maxVersion: tlsMaximumProtocolVersion === 'TLSv1_2' ? 'TLSv1.2' : 'TLSv1.3',
    ciphers: (chosen.length === 0 ? aeadCiphers : [...aeadCiphers.slice(0, 3), ...chosen]).join(':'),
  };
}

/** All certificates of a config: of several, the client's algorithms choose. */
function certificatesOf(config: CommonTlsContext, secrets: SecretStore): readonly { readonly chain: string; readonly key: string }[] {
  const named = (config.tlsCertificateSdsSecretConfigs ?? []).map(({ name = '' }) => ({ name, material: need(secrets, name) }));
  const inline = (config.tlsCertificates ?? []).map((certificate) => ({ name: 'in the config', material: inlineMaterial(certificate) }));
  return [...named, ...inline].map(({ name, material: { chain, key } }) => {
    if (chain === undefined || key === undefined) throw new Error(`the secret ${name} has no certificate and key`);
    return { chain, key };
  });
}

function inlineMaterial(inline: NonNullable<CommonTlsContext['tlsCertificates']>[number]): SecretMaterial {
  const chain = readDataSource(inline.certificateChain);
  const key = readDataSource(inline.privateKey);
  return { ...(chain === undefined ? {} : { chain }), ...(key === undefined ? {} : { key }) };
}

interface Validation {
  readonly validates: boolean;
  readonly spiffe: boolean;
  /** `undefined` with `validates`: the roots that Node ships. */
  readonly roots: string | undefined;
  readonly crl: string | undefined;
  readonly names: readonly NameTest[];
  readonly pins: TlsContext['pins'];
}

function validationOf(config: CommonTlsContext, secrets: SecretStore): Validation {
  const secret = (config.combinedValidationContext?.validationContextSdsSecretConfig ?? config.validationContextSdsSecretConfig)?.name;
  const context = config.combinedValidationContext?.defaultValidationContext ?? config.validationContext;
  const names = nameTests(context);
  const pins = { certificates: new Set((context?.verifyCertificateHash ?? []).map((hash) => hash.replaceAll(':', '').toLowerCase())), keys: new Set(context?.verifyCertificateSpki ?? []) };
  if (secret !== undefined && secret !== 'file-root:system') {
    const { roots, crl } = need(secrets, secret);
    if (roots === undefined) throw new Error(`the secret ${secret} has no trust bundle`);
    return { validates: true, spiffe: secret === 'ROOTCA', roots, crl, names, pins };
  }
  const roots = readDataSource(context?.trustedCa);
  const system = secret !== undefined || context?.systemRootCerts !== undefined;
  return { validates: context?.trustChainVerification !== 'ACCEPT_UNTRUSTED' && (system || roots !== undefined), spiffe: false, roots, crl: readDataSource(context?.crl), names, pins };
}

function nameTests(context: CommonTlsContext['validationContext']): NameTest[] {
  const typed = (context?.matchTypedSubjectAltNames ?? []).map(({ sanType, matcher = {} }): NameTest => ({
    type: sanType === 'EMAIL' || sanType === 'DNS' || sanType === 'URI' || sanType === 'IP_ADDRESS' ? sanType : 'any',
    test: sanType === 'DNS' && matcher.exact !== undefined ? dnsTest(matcher.exact) : compileString(matcher).test,
  }));
  return [...typed, ...(context?.matchSubjectAltNames ?? []).map((matcher): NameTest => ({ type: 'any', test: compileString(matcher).test }))];
}

/** A certificate's DNS name stands for a host as RFC 6125 has it: `*.example.com` for one label in front. */
function dnsTest(host: string): NameTest['test'] {
  const wanted = host.toLowerCase();
  const wildcard = `*${wanted.slice(Math.max(0, wanted.indexOf('.')))}`;
  return (name) => {
    const has = name.toLowerCase();
    return has === wanted || (has.startsWith('*.') && has === wildcard && wanted.includes('.'));
  };
}

function need(secrets: SecretStore, name: string): SecretMaterial {
  const found = secrets.get(name);
  if (found === undefined) throw new Error(`the secret ${name} is not here`);
  return found;
}
