import { z } from 'zod';
import { GrpcAuthorizer, HttpAuthorizer } from '../../features/authorization/manifest.ts';
import { HTTPRetry } from '../../features/retry/manifest.ts';
import { CustomTag, LogFile, reportingProviders } from '../../features/telemetry/manifest.ts';
import { LocalityLbSetting } from '../../features/load-balancing/manifest.ts';
import { Accepted, Double, Duration, PositiveDuration, Text, TextList, TextMap, UInt32, notRun, partlyRun, protoEnum } from '../../util/manifest-fields.ts';
import { ProxyEnvironment } from './security.ts';
import { parseLogTemplate, readJsonFormat } from '../../util/access-log-format.ts';
import { forMap, forText, matching, required, ruled, within, type Rule } from '../../util/manifest-rules.ts';

const oneProcess = 'a lab has one control plane, one cluster and one network';
const format = 'lines go to the proxy’s output';
const tracer = 'traces go to the lab, and to the provider that a Telemetry or defaultProviders names';
const fixed = 'the lab sets it itself';
const protocolVersions = ['TLS_AUTO', 'TLSV1_2', 'TLSV1_3'] as const;

/** Defaults of every proxy. Source: istio.io, ProxyConfig (mesh.v1alpha1). */
export const MeshProxyConfig = z.object({
  tracing: z.object({ sampling: ruled(Double, within(0, 100)).exactOptional(), customTags: z.record(z.string(), CustomTag).exactOptional(), maxPathTagLength: UInt32.exactOptional(), zipkin: notRun(tracer), openCensusAgent: notRun(tracer), lightstep: notRun(tracer), datadog: notRun(tracer), stackdriver: notRun(tracer), tlsSettings: notRun(tracer), disableSpanReporting: notRun('write it in a Telemetry'), enableIstioTags: z.boolean().exactOptional() }).exactOptional(),
  concurrency: ruled(z.number().int(), within(0, Infinity)).meta({ notRun: 'a sidecar of the lab is one thread' }).exactOptional(),
  discoveryAddress: notRun('proxies of a lab know their control plane'),
  proxyMetadata: ProxyEnvironment.exactOptional(),
  holdApplicationUntilProxyStarts: Accepted,
  image: notRun('the lab’s sidecars all run its own image'),
  terminationDrainDuration: Duration.exactOptional(),
  drainDuration: Duration.exactOptional(),
  gatewayTopology: z.object({ numTrustedProxies: UInt32.exactOptional(), forwardClientCertDetails: protoEnum(['UNDEFINED', 'SANITIZE', 'FORWARD_ONLY', 'APPEND_FORWARD', 'SANITIZE_SET', 'ALWAYS_FORWARD_ONLY']), proxyProtocol: z.object({}).exactOptional() }).exactOptional(),
  proxyStatsMatcher: notRun('all statistics are kept'),
  privateKeyProvider: notRun('keys stay in the sidecar’s memory'),
  configPath: notRun(fixed), binaryPath: notRun(fixed), serviceCluster: notRun(fixed), controlPlaneAuthPolicy: notRun(fixed), proxyAdminPort: notRun(fixed), statNameLength: notRun(fixed), statusPort: notRun(fixed), caCertificatesPem: notRun(fixed),
  readinessProbe: notRun(fixed), envoyAccessLogService: notRun(format), envoyMetricsService: notRun('metrics are scraped'), statsdUdpAddress: notRun('metrics are scraped'), extraStatTags: notRun('metrics have Istio’s standard labels'),
  meshId: notRun(oneProcess), interceptionMode: notRun('traffic is captured by REDIRECT'), runtimeValues: notRun(fixed), availabilityZone: notRun('the lab has one zone'), zipkinAddress: notRun(tracer), parentShutdownDuration: notRun(fixed), fileFlushInterval: notRun(fixed), fileFlushMinSizeKb: notRun(fixed), proxyHeaders: notRun('headers are Istio’s default ones'), proxyBootstrapTemplatePath: notRun(fixed), tracingServiceName: notRun(tracer),
});

/** Who decides for policies with action CUSTOM. */
const externalAuthorizers = { envoyExtAuthzHttp: HttpAuthorizer.exactOptional(), envoyExtAuthzGrpc: GrpcAuthorizer.exactOptional(), sds: notRun('write certificates in Secrets') };

/** How paths are brought into one form before they are matched. Source: istio.io, MeshConfig.ProxyPathNormalization. */
const normalizations = ['DEFAULT', 'NONE', 'BASE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES'] as const;

const jsonFormatIsMap: Rule = forMap(({ accessLogFormat, accessLogEncoding }) => (accessLogEncoding === 'JSON' && typeof accessLogFormat === 'string' && accessLogFormat !== '' && readJsonFormat(accessLogFormat) === undefined
  ? 'has an accessLogFormat that is no JSON object, which accessLogEncoding JSON needs; Istio’s own keys are written instead' : undefined));

/** The configuration of a whole mesh; what the lab does not run is named. Source: istio.io, MeshConfig. */
export const MeshConfig = ruled(z.object({
  trustDomain: ruled(Text, matching(/^[a-z0-9._-]*$/, 'a trust domain: lower-case letters, digits, dots, dashes and underscores')),
  rootNamespace: Text,
  outboundTrafficPolicy: z.object({ mode: protoEnum(['REGISTRY_ONLY', 'ALLOW_ANY', 'ALLOW_ANY_DYNAMIC_DNS']) }).exactOptional(),
  enableAutoMtls: z.boolean().exactOptional(),
  accessLogFile: LogFile,
  accessLogFormat: ruled(Text, forText((text) => parseLogTemplate(text).problem)),
  accessLogEncoding: protoEnum(['TEXT', 'JSON']),
  pathNormalization: z.object({ normalization: protoEnum(normalizations) }).exactOptional(),
  connectTimeout: PositiveDuration.exactOptional(),
  defaultConfig: MeshProxyConfig.exactOptional(),
  extensionProviders: z.array(ruled(z.object({ name: Text, ...reportingProviders, ...externalAuthorizers }), required('name'))).default([]),
  defaultProviders: z.object({ tracing: TextList, metrics: TextList, accessLogging: TextList }).exactOptional(),
  enableTracing: notRun('the lab traces by itself'),
  trustDomainAliases: TextList,
  enablePrometheusMerge: Accepted,
  dnsRefreshRate: notRun('DNS names are looked up each minute, or as long as their records live'),
  localityLbSetting: LocalityLbSetting.exactOptional(),
  meshMTLS: z.object({ minProtocolVersion: protoEnum(protocolVersions), cipherSuites: TextList, ecdhCurves: TextList }).meta({ notRun: 'mutual TLS inside of the lab is always TLS 1.3' }).exactOptional(),
  tlsDefaults: notRun('write it in a Gateway or a DestinationRule'),
  defaultHttpRetryPolicy: HTTPRetry.extend({ perTryTimeout: notRun('write it in a VirtualService') }).exactOptional(),
  protocolDetectionTimeout: notRun('the protocol is found out by the first bytes, without a time limit'),
  h2UpgradePolicy: notRun('write it in a DestinationRule'),
  tcpKeepalive: notRun('write it in a DestinationRule'),
  defaultServiceExportTo: TextList, defaultVirtualServiceExportTo: TextList, defaultDestinationRuleExportTo: TextList,
  discoverySelectors: notRun('all namespaces of a lab belong to it'),
  ingressService: notRun(fixed), ingressClass: notRun(fixed), ingressControllerMode: notRun(fixed), ingressSelector: notRun(fixed),
  serviceSettings: notRun(oneProcess), configSources: notRun(oneProcess), ca: notRun('the lab is its own authority'), caCertificates: notRun('the lab is its own authority'), certificates: notRun('the lab is its own authority'),
  mesh_mtls: notRun('write meshMTLS'), proxyListenPort: notRun(fixed), proxyInboundListenPort: notRun(fixed), proxyHttpPort: notRun(fixed), inboundTrafficPolicy: notRun('a pod takes what it is sent'), enableEnvoyAccessLogService: notRun(format),
  disableEnvoyListenerLog: notRun(format), verifyCertificateAtClient: notRun(fixed), thriftConfig: notRun(fixed), dnsRefreshRateSeconds: notRun(fixed), inboundClusterStatName: notRun('statistics have Istio’s default names'), outboundClusterStatName: notRun('statistics have Istio’s default names'), hboneIdleTimeout: notRun('the lab has no ambient mode'),
}), jsonFormatIsMap);
export type MeshConfig = z.output<typeof MeshConfig>;

const component = z.looseObject({ enabled: z.boolean().exactOptional() });
const gatewayPort = z.looseObject({ name: Text, port: UInt32, targetPort: UInt32.exactOptional() });
const gatewaySettings = z.looseObject({ service: z.looseObject({ ports: z.array(gatewayPort).default([]) }).exactOptional() }).exactOptional();
const gateways = z.array(ruled(z.looseObject({ k8s: gatewaySettings,  name: Text, namespace: Text, enabled: z.boolean().exactOptional(), label: TextMap }), required('name'))).default([]);
const values = 'Helm values of an Istio installation have nothing to set in a lab';

/** Istio's profiles. Source: istio.io, Installation configuration profiles. */
export const profiles = ['default', 'demo', 'minimal', 'remote', 'empty', 'preview', 'ambient', 'openshift', 'openshift-ambient', 'stable'] as const;

const notInALab: Readonly<Record<string, string>> = {
  ambient: 'the lab has no ambient mode: sidecars carry the traffic, with what the default profile installs, but no gateway',
  'openshift-ambient': 'the lab has no ambient mode: sidecars carry the traffic, with what the default profile installs, but no gateway',
  remote: 'a lab is one cluster with a control plane of its own',
};

/** What istioctl installs a mesh from; the lab takes the mesh config and what it names. Source: istio.io, IstioOperator Options. */
export const IstioOperator = z.object({
  profile: partlyRun(z.enum(profiles), (profile) => notInALab[String(profile)]).exactOptional(),
  meshConfig: MeshConfig.exactOptional(),
  namespace: Text,
  revision: notRun(oneProcess),
  hub: notRun('the lab runs its own proxies'),
  tag: notRun('the lab runs its own proxies'),
  installPackagePath: notRun(fixed),
  compatibilityVersion: notRun('the lab does what the current version does'),
  resourceSuffix: notRun(fixed),
  components: z.object({
    base: component.meta({ notRun: 'the lab knows Istio’s resources by itself' }).exactOptional(), pilot: component.meta({ notRun: 'the lab runs its own control plane' }).exactOptional(),
    cni: component.meta({ notRun: 'the lab captures traffic without a CNI plugin' }).exactOptional(),
    ztunnel: component.meta({ notRun: 'the lab has no ambient mode' }).exactOptional(),
    istiodRemote: notRun(oneProcess),
    ingressGateways: gateways,
    egressGateways: gateways,
  }).exactOptional(),
  values: z.object({
    meshConfig: MeshConfig.exactOptional(),
    pilot: z.object({ traceSampling: ruled(Double, within(0, 100)).exactOptional() }).catchall(z.unknown().meta({ notRun: 'the lab runs its own control plane' })).exactOptional(),
    global: z.object({ proxy: z.object({ holdApplicationUntilProxyStarts: z.boolean().exactOptional() }).catchall(z.unknown().meta({ notRun: 'the lab runs its own proxies; write defaultConfig of the mesh' })).exactOptional() }).catchall(z.unknown().meta({ notRun: values })).exactOptional(),
  }).catchall(z.unknown().meta({ notRun: values })).exactOptional(),
  unvalidatedValues: notRun(values),
  addonComponents: notRun(values),
});
export type IstioOperator = z.output<typeof IstioOperator>;
