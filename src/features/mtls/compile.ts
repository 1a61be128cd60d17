import { any, typeUrl, type Cluster, type CommonTlsContext, type DownstreamTlsContext, type FilterChainMatch, type TransportSocket } from '../../xds/index.ts';
import type { ClientTLSSettings, PeerAuthentication } from './manifest.ts';

/** What a workload port accepts. */
export type MtlsMode = 'DISABLE' | 'PERMISSIVE' | 'STRICT';

/** The modes of one workload. */
export interface WorkloadMtls {
  readonly mode: MtlsMode;
  /** Ports that differ. */
  readonly ports: ReadonlyMap<number, MtlsMode>;
}

/** A policy and where it stands. */
export interface PeerPolicy {
  readonly namespace: string;
  readonly spec: PeerAuthentication;
}

/**
 * The modes that apply to a workload: its own policy, else the namespace's, else the mesh's, else PERMISSIVE; the oldest of each level counts.
 * Ports are only read from a policy with a selector. Source: istio.io, PeerAuthentication.
 */
export function composeMtls(policies: readonly PeerPolicy[], rootNamespace: string, workload: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> }): WorkloadMtls {
  const selects = ({ spec }: PeerPolicy): boolean => Object.entries(spec.selector?.matchLabels ?? {}).every(([name, value]) => workload.labels[name] === value);
  const whole = ({ spec }: PeerPolicy): boolean => Object.keys(spec.selector?.matchLabels ?? {}).length === 0;
  const mesh = policies.find((policy) => whole(policy) && policy.namespace === rootNamespace);
  const namespace = policies.find((policy) => whole(policy) && policy.namespace === workload.namespace && policy.namespace !== rootNamespace);
  const own = policies.find((policy) => !whole(policy) && policy.namespace === workload.namespace && selects(policy));
  const mode = [own, namespace, mesh].map((policy) => policy?.spec.mtls?.mode ?? 'UNSET').find((written) => written !== 'UNSET') ?? 'PERMISSIVE';
  const ports = new Map<number, MtlsMode>();
  for (const [port, written] of Object.entries(own?.spec.portLevelMtls ?? {})) ports.set(Number(port), written.mode === 'UNSET' ? mode as MtlsMode : written.mode);
  return { mode: mode as MtlsMode, ports };
}

/** The mode of one port of a workload. */
export function portMode({ mode, ports }: WorkloadMtls, port: number): MtlsMode {
  return ports.get(port) ?? mode;
}

/** What a workload port speaks by its name; `auto` is found out from the first bytes. */
export type PortProtocol = 'http' | 'tcp' | 'auto';

/** One of the filter chains of an inbound port. */
export interface InboundMatch {
  readonly match: Pick<FilterChainMatch, 'transportProtocol' | 'applicationProtocols'>;
  readonly protocol: 'http' | 'tcp';
  /** The chain terminates mTLS. */
  readonly tls: boolean;
}

const plainHttp = ['http/1.1', 'h2c'];
const mtlsHttp = ['istio-http/1.0', 'istio-http/1.1', 'istio-h2'];
const mtlsTcp = ['istio-peer-exchange', 'istio'];
/** The application protocols by which sidecars' own mTLS is told from other TLS. */
export const meshAlpn: readonly string[] = ['istio', 'istio-peer-exchange', 'istio-http/1.0', 'istio-http/1.1', 'istio-h2'];

/** The filter chains of an inbound port. Application protocols tell mTLS between sidecars from TLS that the application itself speaks. */
export function inboundMatches(mode: MtlsMode, protocol: PortProtocol): readonly InboundMatch[] {
  return tables[mode][protocol].map(([transportProtocol, applicationProtocols, kind, tls]) => ({
    match: { ...(transportProtocol === '' ? {} : { transportProtocol }), ...(applicationProtocols.length === 0 ? {} : { applicationProtocols: [...applicationProtocols] }) },
    protocol: kind,
    tls,
  }));
}

type Row = readonly [transport: '' | 'tls' | 'raw_buffer', alpn: readonly string[], protocol: 'http' | 'tcp', tls: boolean];

const tables: Readonly<Record<MtlsMode, Readonly<Record<PortProtocol, readonly Row[]>>>> = {
  DISABLE: {
    http: [['', [], 'http', false]],
    tcp: [['', [], 'tcp', false]],
    auto: [['raw_buffer', plainHttp, 'http', false], ['raw_buffer', [], 'tcp', false], ['', [], 'tcp', false]],
  },
  PERMISSIVE: {
    http: [['tls', meshAlpn, 'http', true], ['raw_buffer', [], 'http', false]],
    tcp: [['tls', meshAlpn, 'tcp', true], ['tls', [], 'tcp', false], ['raw_buffer', [], 'tcp', false]],
    auto: [['tls', mtlsHttp, 'http', true], ['raw_buffer', plainHttp, 'http', false], ['tls', mtlsTcp, 'tcp', true], ['raw_buffer', [], 'tcp', false], ['tls', [], 'tcp', false]],
  },
  STRICT: {
    http: [['tls', [], 'http', true]],
    tcp: [['tls', [], 'tcp', true]],
    auto: [['tls', mtlsHttp, 'http', true], ['tls', [], 'tcp', true]],
  },
};

/** A secret that the control plane serves over the same stream. */
export function sdsSecret(name: string): NonNullable<CommonTlsContext['tlsCertificateSdsSecretConfigs']>[number] {
  return { name, sdsConfig: { ads: {}, initialFetchTimeout: '0s', resourceApiVersion: 'V3' } };
}

/** The workload's own certificate, and peers verified against the mesh's roots. */
function meshContext(alpnProtocols: readonly string[], sans: readonly string[]): CommonTlsContext {
  const matchTypedSubjectAltNames = sans.map((exact) => ({ sanType: 'URI' as const, matcher: { exact } }));
  return {
    tlsParams: { tlsMinimumProtocolVersion: 'TLSv1_2', tlsMaximumProtocolVersion: 'TLSv1_3' },
    tlsCertificateSdsSecretConfigs: [sdsSecret('default')],
    combinedValidationContext: {
      defaultValidationContext: matchTypedSubjectAltNames.length === 0 ? {} : { matchTypedSubjectAltNames },
      validationContextSdsSecretConfig: sdsSecret('ROOTCA'),
    },
    alpnProtocols: [...alpnProtocols],
  };
}

/** The transport of an inbound chain that terminates mTLS; callers of any identity of the trust domain and its aliases are let in. */
export function inboundMtls(protocol: 'http' | 'tcp', trustDomains: readonly string[]): TransportSocket {
  const context = meshContext(protocol === 'http' ? ['h2', 'http/1.1'] : ['istio-peer-exchange', 'h2', 'http/1.1'], []);
  const validation = { ...context.combinedValidationContext, defaultValidationContext: { matchTypedSubjectAltNames: trustDomains.map((domain) => ({ sanType: 'URI' as const, matcher: { prefix: `spiffe://${domain}/` } })) } };
  const downstream: DownstreamTlsContext = { commonTlsContext: { ...context, combinedValidationContext: validation }, requireClientCertificate: true };
  return { name: 'envoy.transport_sockets.tls', typedConfig: any(typeUrl.downstreamTls, downstream) };
}

/** How the caller's side of a cluster's connections is set up. */
export interface UpstreamIdentity {
  /** Server name: `outbound_.9080_._.reviews.default.svc.cluster.local`. */
  readonly sni: string;
  /** SPIFFE identities that the callee may have. */
  readonly sans: readonly string[];
  readonly http2: boolean;
}

/** mTLS to a workload of the mesh. */
export function outboundMtls({ sni, sans, http2 }: UpstreamIdentity): TransportSocket {
  const alpn = http2 ? ['istio-peer-exchange', 'istio', 'h2'] : ['istio-peer-exchange', 'istio'];
  return { name: 'envoy.transport_sockets.tls', typedConfig: any(typeUrl.upstreamTls, { commonTlsContext: meshContext(alpn, sans), sni }) };
}

/** mTLS to endpoints that say they can, plaintext to the others. */
export function autoMtls(identity: UpstreamIdentity): Pick<Cluster, 'transportSocketMatches'> {
  return {
    transportSocketMatches: [
      { name: 'tlsMode-istio', match: { tlsMode: 'istio' }, transportSocket: outboundMtls(identity) },
      { name: 'tlsMode-disabled', match: {}, transportSocket: { name: 'envoy.transport_sockets.raw_buffer', typedConfig: { '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer' } } },
    ],
  };
}

/** Where systems keep the authorities that they trust; a proxy has its own list of them. */
const systemBundles = new Set(['/etc/ssl/certs/ca-certificates.crt', '/etc/ssl/cert.pem', '/etc/pki/tls/certs/ca-bundle.crt', 'system']);

const alpn: Readonly<Record<OriginatedTo['protocol'], string[]>> = { http: ['http/1.1'], http2: ['h2'], tcp: [] };

/** What TLS origination needs to know of the host that it is for. */
export interface OriginatedTo {
  /** The service's host; empty for a wildcard, of which no name can be expected. */
  readonly host: string;
  /** What is spoken inside of TLS. */
  readonly protocol: 'http' | 'http2' | 'tcp';
}

/**
 * TLS or mTLS with certificates of the user's own, to a host outside of the mesh. Without a server name of their own, callers ask for the
 * host and expect its name in the certificate; without an authority, the system's are trusted. Source: istio.io, ClientTLSSettings.
 */
export function originatedTls(settings: ClientTLSSettings, { host, protocol }: OriginatedTo): TransportSocket {
  const own = settings.mode === 'MUTUAL' ? [sdsSecret(settings.credentialName === '' ? `file-cert:${settings.clientCertificate}~${settings.privateKey}` : `kubernetes://${settings.credentialName}`)] : [];
  const authority = settings.credentialName !== '' ? `kubernetes://${settings.credentialName}-cacert` : settings.caCertificates === '' || systemBundles.has(settings.caCertificates) ? 'file-root:system' : `file-root:${settings.caCertificates}`;
  const expected = settings.subjectAltNames.length > 0 ? settings.subjectAltNames : settings.sni === '' && host !== '' ? [host] : [];
  const sans = expected.map((exact) => ({ sanType: exact.includes('://') ? 'URI' as const : 'DNS' as const, matcher: { exact } }));
  const commonTlsContext: CommonTlsContext = {
    ...(own.length === 0 ? {} : { tlsCertificateSdsSecretConfigs: own }),
    ...(settings.insecureSkipVerify === true
      ? { validationContext: { trustChainVerification: 'ACCEPT_UNTRUSTED' } }
      : { combinedValidationContext: { defaultValidationContext: sans.length === 0 ? {} : { matchTypedSubjectAltNames: sans }, validationContextSdsSecretConfig: sdsSecret(authority) } }),
    alpnProtocols: alpn[protocol],
  };
  return { name: 'envoy.transport_sockets.tls', typedConfig: any(typeUrl.upstreamTls, { commonTlsContext, sni: settings.sni === '' ? host : settings.sni }) };
}

/** TLS to a server that is known by an authority and by names, whoever it is behind. */
export interface VerifiedTls {
  /** The secret with the caller's own certificate, where it has one for this. */
  readonly certificate?: string;
  /** The secret with the authorities, or `file-root:system`. */
  readonly authority: string;
  readonly sni: string;
  /** The server's certificate has to have one of them. A DNS name may begin with `*.`. */
  readonly names: readonly { readonly type: 'DNS' | 'URI'; readonly value: string }[];
  readonly protocol: OriginatedTo['protocol'];
}

/** TLS to a server outside of the mesh's own mTLS, which has to show a certificate of that authority for one of these names. */
export function verifiedTls({ certificate, authority, sni, names, protocol }: VerifiedTls): TransportSocket {
  const commonTlsContext: CommonTlsContext = {
    ...(certificate === undefined ? {} : { tlsCertificateSdsSecretConfigs: [sdsSecret(certificate)] }),
    combinedValidationContext: {
      defaultValidationContext: { matchTypedSubjectAltNames: names.map(({ type, value }) => ({ sanType: type, matcher: type === 'DNS' && value.startsWith('*.') ? { suffix: value.slice(1) } : { exact: value } })) },
      validationContextSdsSecretConfig: sdsSecret(authority),
    },
    alpnProtocols: alpn[protocol],
  };
  return { name: 'envoy.transport_sockets.tls', typedConfig: any(typeUrl.upstreamTls, { commonTlsContext, sni }) };
}

/** A workload's SPIFFE identity. */
export function spiffeId(trustDomain: string, namespace: string, serviceAccount: string): string {
  return `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
}
