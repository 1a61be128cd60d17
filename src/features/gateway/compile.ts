import { any, typeUrl, type CommonTlsContext, type TransportSocket } from '../../xds/index.ts';
import type { Server, ServerTLSSettings } from './manifest.ts';

/** What a server of a gateway does with a connection. */
export type ServerKind = 'http' | 'https' | 'tls-passthrough' | 'auto-passthrough' | 'tls-terminated' | 'tcp';

/** The kind of a server, from its protocol and TLS mode. */
export function serverKind(server: Server): ServerKind {
  const protocol = (server.port?.protocol ?? '').toUpperCase();
  const mode = server.tls?.mode ?? 'PASSTHROUGH';
  const terminates = server.tls !== undefined && mode !== 'PASSTHROUGH' && mode !== 'AUTO_PASSTHROUGH';
  if (protocol === 'HTTP' || protocol === 'HTTP2' || protocol === 'GRPC' || protocol === 'GRPC-WEB') return 'http';
  if (mode === 'AUTO_PASSTHROUGH' && server.tls !== undefined) return 'auto-passthrough';
  if (protocol === 'HTTPS') return terminates ? 'https' : 'tls-passthrough';
  if (protocol === 'TLS') return terminates ? 'tls-terminated' : 'tls-passthrough';
  return terminates ? 'tls-terminated' : 'tcp';
}

const versions = { TLS_AUTO: undefined, TLSV1_0: 'TLSv1_0', TLSV1_1: 'TLSv1_1', TLSV1_2: 'TLSv1_2', TLSV1_3: 'TLSv1_3' } as const;

/**
 * The transport of a server that terminates TLS. Certificates are secrets by name: `kubernetes://CREDENTIAL`, with `-cacert` for the
 * authority that clients are verified against, or `file-cert:` and `file-root:` names for files. Source: istio.io, Gateway, ServerTLSSettings.
 */
export function serverTransport(tls: ServerTLSSettings, http: boolean): TransportSocket {
  const mutual = tls.mode === 'MUTUAL' || tls.mode === 'ISTIO_MUTUAL' || tls.mode === 'OPTIONAL_MUTUAL';
  const names = certificateNames(tls);
  const alpn = http ? ['h2', 'http/1.1'] : tls.mode === 'ISTIO_MUTUAL' ? ['istio-peer-exchange', 'h2', 'http/1.1'] : [];
  const commonTlsContext: CommonTlsContext = {
    tlsParams: { tlsMinimumProtocolVersion: versions[tls.minProtocolVersion as keyof typeof versions] ?? 'TLSv1_2', ...maximum(tls), ...(tls.cipherSuites.length === 0 ? {} : { cipherSuites: [...tls.cipherSuites] }) },
    tlsCertificateSdsSecretConfigs: names.certificates.map(secret),
    ...(mutual ? { combinedValidationContext: { defaultValidationContext: clientChecks(tls), validationContextSdsSecretConfig: secret(names.authority) } } : {}),
    alpnProtocols: alpn,
  };
  return { name: 'envoy.transport_sockets.tls', typedConfig: any(typeUrl.downstreamTls, { commonTlsContext, requireClientCertificate: mutual && tls.mode !== 'OPTIONAL_MUTUAL' }) };
}

/** What a client's certificate must be, besides having been signed by the authority. */
function clientChecks(tls: ServerTLSSettings): NonNullable<NonNullable<CommonTlsContext['combinedValidationContext']>['defaultValidationContext']> {
  const sans = tls.subjectAltNames.map((exact) => ({ sanType: exact.includes('://') ? 'URI' as const : 'DNS' as const, matcher: { exact } }));
  return {
    ...(tls.insecureSkipVerify === true ? { trustChainVerification: 'ACCEPT_UNTRUSTED' as const } : {}),
    ...(sans.length === 0 ? {} : { matchTypedSubjectAltNames: sans }),
    ...(tls.verifyCertificateHash.length === 0 ? {} : { verifyCertificateHash: [...tls.verifyCertificateHash] }),
    ...(tls.verifyCertificateSpki.length === 0 ? {} : { verifyCertificateSpki: [...tls.verifyCertificateSpki] }),
  };
}

function maximum(tls: ServerTLSSettings): { readonly tlsMaximumProtocolVersion?: 'TLSv1_0' | 'TLSv1_1' | 'TLSv1_2' | 'TLSv1_3' } {
  const version = versions[tls.maxProtocolVersion as keyof typeof versions];
  return version === undefined ? {} : { tlsMaximumProtocolVersion: version };
}

/** Credentials win over files, and several of either (an RSA and an ECDSA certificate, say) over one. */
function certificateNames(tls: ServerTLSSettings): { readonly certificates: readonly string[]; readonly authority: string } {
  if (tls.mode === 'ISTIO_MUTUAL') return { certificates: ['default'], authority: 'ROOTCA' };
  const credentials = tls.credentialNames.length > 0 ? tls.credentialNames : tls.credentialName === '' ? [] : [tls.credentialName];
  if (credentials.length > 0) return { certificates: credentials.map(credential), authority: credential(tls.caCertCredentialName || `${credentials[0] ?? ''}-cacert`) };
  const files = tls.tlsCertificates.length > 0 ? tls.tlsCertificates : [tls];
  const authority = [tls, ...tls.tlsCertificates].map(({ caCertificates }) => caCertificates).find((path) => path !== '') ?? '';
  return { certificates: files.map(({ serverCertificate, privateKey }) => `file-cert:${serverCertificate}~${privateKey}`), authority: `file-root:${authority}` };
}

/** A Secret of the gateway's own namespace; names with a scheme (those of Gateway API listeners) stand for themselves. */
function credential(name: string): string {
  return name.includes('://') ? name : `kubernetes://${name}`;
}

function secret(name: string): NonNullable<CommonTlsContext['tlsCertificateSdsSecretConfigs']>[number] {
  return { name, sdsConfig: { ads: {}, resourceApiVersion: 'V3' } };
}
