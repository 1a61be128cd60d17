import { z } from 'zod';
import { GrpcAuthorizer, HttpAuthorizer } from '../features/authorization/manifest.ts';
import { LocalityLbSetting } from '../features/load-balancing/manifest.ts';
import { HTTPRetry } from '../features/retry/manifest.ts';
import type { TracingDefaults } from '../features/telemetry/compile.ts';
import { CustomTag, ReportingProvider } from '../features/telemetry/manifest.ts';
import { parseDuration } from '../util/manifest-fields.ts';

/** The part of Istio's MeshConfig that the lab runs on. Source: istio.io/latest/docs/reference/config/istio.mesh.v1alpha1. */
export interface MeshConfig {
  readonly trustDomain: string;
  /** Trust domains whose identities count as the mesh's own. */
  readonly trustDomainAliases: readonly string[];
  readonly rootNamespace: string;
  readonly domainSuffix: string;
  readonly outboundTrafficPolicy: OutboundTrafficPolicy;
  readonly enableAutoMtls: boolean;
  readonly tracing: TracingDefaults;
  /** Who can take metrics, logs and traces. */
  readonly providers: readonly ReportingProvider[];
  readonly accessLogFile: string;
  /** Envoy's format of a line; empty for Istio's own. */
  readonly accessLogFormat: string;
  readonly accessLogEncoding: 'TEXT' | 'JSON';
  /** Names of providers of access logs for rules that name none; without any, lines go to {@link accessLogFile}. */
  readonly logProviders: readonly string[];
  readonly pathNormalization: PathNormalization;
  /** How long connecting to a host may take where no DestinationRule says it; milliseconds. */
  readonly connectTimeout: number;
  /** For routes that say nothing of retries; `undefined` for Istio's own. */
  readonly retries: HTTPRetry | undefined;
  /** For services whose DestinationRules say nothing of localities. */
  readonly localityLbSetting: LocalityLbSetting;
  /** The `extensionProviders` that decide about requests. */
  readonly authorizers: readonly ExternalAuthorizer[];
  readonly topology: GatewayTopology;
  /** Callers may speak HTTP/1.0: `ISTIO_META_HTTP10` of the proxies' metadata. */
  readonly http10: boolean;
  /** Who sees what says nothing of it itself; empty for everybody. */
  readonly exportTo: DefaultExports;
}

/** The `exportTo` of resources that have none, by what they are: namespaces, `.`, `*` or `~`. Source: istio.io, MeshConfig.defaultServiceExportTo and its like. */
export interface DefaultExports {
  /** Services of Kubernetes and of ServiceEntries. */
  readonly services: readonly string[];
  readonly virtualServices: readonly string[];
  readonly destinationRules: readonly string[];
}

/** What stands in front of gateways. Source: istio.io, ProxyConfig, Topology. */
export interface GatewayTopology {
  /** How many proxies are believed in what they say of their callers. */
  readonly trustedProxies: number;
  /** What becomes of `x-forwarded-client-cert`; `undefined` where nobody says it. */
  readonly forwardClientCert: (typeof forwardingModes)[number] | undefined;
  /** Connections begin with a header of the PROXY protocol. */
  readonly proxyProtocol: boolean;
}

/** An `extensionProvider` that decides about requests: a service that is asked by HTTP or gRPC. */
export type ExternalAuthorizer =
  | { readonly name: string; readonly kind: 'http'; readonly settings: HttpAuthorizer }
  | { readonly name: string; readonly kind: 'grpc'; readonly settings: GrpcAuthorizer };

/** What happens to traffic for hosts that nobody declared. */
export type OutboundTrafficPolicy = 'ALLOW_ANY' | 'REGISTRY_ONLY' | 'ALLOW_ANY_DYNAMIC_DNS';

/** Source: istio.io, MeshConfig.ProxyPathNormalization. */
export type PathNormalization = 'NONE' | 'BASE' | 'MERGE_SLASHES' | 'DECODE_AND_MERGE_SLASHES';

const normalizations: readonly PathNormalization[] = ['NONE', 'BASE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES'];

/** Istio's defaults, except that the lab traces and logs every request. */
export const defaultMeshConfig: MeshConfig = {
  trustDomain: 'cluster.local',
  trustDomainAliases: [],
  rootNamespace: 'istio-system',
  domainSuffix: 'cluster.local',
  outboundTrafficPolicy: 'ALLOW_ANY',
  enableAutoMtls: true,
  tracing: { sampling: 100, tags: {}, maxPathTagLength: undefined, istioTags: true, providers: [] },
  providers: [],
  accessLogFile: '/dev/stdout',
  accessLogFormat: '',
  accessLogEncoding: 'TEXT',
  logProviders: [],
  pathNormalization: 'BASE',
  connectTimeout: 10_000,
  retries: undefined,
  localityLbSetting: { distribute: [], failover: [], failoverPriority: [], enabled: true },
  authorizers: [],
  topology: { trustedProxies: 0, forwardClientCert: undefined, proxyProtocol: false },
  http10: false,
  exportTo: { services: [], virtualServices: [], destinationRules: [] },
};

const forwardingModes = ['SANITIZE', 'FORWARD_ONLY', 'APPEND_FORWARD', 'SANITIZE_SET', 'ALWAYS_FORWARD_ONLY'] as const;

const policies: readonly OutboundTrafficPolicy[] = ['ALLOW_ANY', 'REGISTRY_ONLY', 'ALLOW_ANY_DYNAMIC_DNS'];

/** Reads the fields that we run from a MeshConfig in JSON; what is missing or of the wrong type keeps its default. */
export function meshConfigFrom(json: unknown, defaults: MeshConfig = defaultMeshConfig): MeshConfig {
  const config = record(json);
  const byDefault = record(config.defaultProviders);
  const mode = record(config.outboundTrafficPolicy).mode;
  return {
    trustDomain: text(config.trustDomain, defaults.trustDomain),
    trustDomainAliases: Array.isArray(config.trustDomainAliases) ? config.trustDomainAliases.filter((alias) => typeof alias === 'string') : defaults.trustDomainAliases,
    rootNamespace: text(config.rootNamespace, defaults.rootNamespace),
    domainSuffix: defaults.domainSuffix,
    outboundTrafficPolicy: policies.find((policy) => policy === mode) ?? defaults.outboundTrafficPolicy,
    enableAutoMtls: typeof config.enableAutoMtls === 'boolean' ? config.enableAutoMtls : defaults.enableAutoMtls,
    tracing: tracingFrom(record(config.defaultConfig).tracing, { ...defaults.tracing, providers: names(byDefault.tracing) }),
    providers: Array.isArray(config.extensionProviders) ? config.extensionProviders.flatMap((provider) => ReportingProvider.safeParse(provider).data ?? []) : defaults.providers,
    accessLogFile: text(config.accessLogFile, defaults.accessLogFile),
    accessLogFormat: text(config.accessLogFormat, defaults.accessLogFormat),
    accessLogEncoding: config.accessLogEncoding === 'JSON' || config.accessLogEncoding === 'TEXT' ? config.accessLogEncoding : defaults.accessLogEncoding,
    http10: record(record(config.defaultConfig).proxyMetadata).ISTIO_META_HTTP10 === '1',
    logProviders: names(byDefault.accessLogging),
    pathNormalization: normalizations.find((one) => one === record(config.pathNormalization).normalization) ?? defaults.pathNormalization,
    connectTimeout: parseDuration(text(config.connectTimeout, '')) ?? defaults.connectTimeout,
    retries: config.defaultHttpRetryPolicy === undefined ? defaults.retries : HTTPRetry.omit({ perTryTimeout: true }).safeParse(config.defaultHttpRetryPolicy).data ?? defaults.retries,
    localityLbSetting: LocalityLbSetting.safeParse(config.localityLbSetting).data ?? defaults.localityLbSetting,
    authorizers: Array.isArray(config.extensionProviders) ? config.extensionProviders.flatMap(authorizerFrom) : defaults.authorizers,
    topology: topologyFrom(config.defaultConfig, defaults.topology),
    exportTo: { services: names(config.defaultServiceExportTo), virtualServices: names(config.defaultVirtualServiceExportTo), destinationRules: names(config.defaultDestinationRuleExportTo) },
  };
}

/** What a ProxyConfig says of proxies in front of a gateway, over what holds without it. Source: istio.io, ProxyConfig, Topology. */
export function topologyFrom(json: unknown, otherwise: GatewayTopology): GatewayTopology {
  const { numTrustedProxies, forwardClientCertDetails, proxyProtocol } = record(record(json).gatewayTopology);
  return {
    trustedProxies: typeof numTrustedProxies === 'number' && Number.isInteger(numTrustedProxies) && numTrustedProxies >= 0 ? numTrustedProxies : otherwise.trustedProxies,
    forwardClientCert: forwardingModes.find((mode) => mode === forwardClientCertDetails) ?? otherwise.forwardClientCert,
    proxyProtocol: typeof proxyProtocol === 'object' && proxyProtocol !== null ? true : otherwise.proxyProtocol,
  };
}

/** What a ProxyConfig says of tracing, over what holds without it. Source: istio.io, ProxyConfig, Tracing. */
export function tracingFrom(json: unknown, defaults: TracingDefaults): TracingDefaults {
  const { sampling, customTags, maxPathTagLength, enableIstioTags } = record(json);
  return {
    ...defaults,
    sampling: typeof sampling === 'number' && sampling >= 0 && sampling <= 100 ? sampling : defaults.sampling,
    tags: z.record(z.string(), CustomTag).safeParse(customTags).data ?? defaults.tags,
    maxPathTagLength: typeof maxPathTagLength === 'number' ? maxPathTagLength : defaults.maxPathTagLength,
    istioTags: typeof enableIstioTags === 'boolean' ? enableIstioTags : defaults.istioTags,
  };
}

function names(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((name) => typeof name === 'string') : [];
}

/** Providers of other kinds, and those that do not read, are none: who names them finds nobody to ask. */
function authorizerFrom(json: unknown): readonly ExternalAuthorizer[] {
  const { name, envoyExtAuthzHttp, envoyExtAuthzGrpc } = record(json);
  if (typeof name !== 'string') return [];
  const http = HttpAuthorizer.safeParse(envoyExtAuthzHttp);
  if (http.success) return [{ name, kind: 'http', settings: http.data }];
  const grpc = GrpcAuthorizer.safeParse(envoyExtAuthzGrpc);
  return grpc.success ? [{ name, kind: 'grpc', settings: grpc.data }] : [];
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function text(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}
