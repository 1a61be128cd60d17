import { z } from 'zod';
import { Accepted, Double, Duration, Flag, PositiveDuration, Text, UInt32, notRun, partlyRun, protoEnum } from '../../util/manifest-fields.ts';
import { atMostOne, forMap, has, length, required, ruled, within, type Rule } from '../../util/manifest-rules.ts';
import { policyTarget } from '../../util/policy-target.ts';

const filled = ruled(Text, length({ min: 1 }));
const providers = z.array(ruled(z.object({ name: filled }), required('name'))).default([]);
const flag = z.boolean().exactOptional();
const mode = protoEnum(['CLIENT_AND_SERVER', 'CLIENT', 'SERVER']);
const match = z.object({ mode }).exactOptional();

/** Where the value of a span's tag comes from. */
export const CustomTag = ruled(
  z.object({
    literal: ruled(z.object({ value: filled }), required('value')).exactOptional(),
    environment: ruled(z.object({ name: filled, defaultValue: Text }), required('name')).exactOptional(),
    header: ruled(z.object({ name: filled, defaultValue: Text }), required('name')).exactOptional(),
    formatter: ruled(z.object({ value: filled }), required('value')).exactOptional(),
  }),
  atMostOne('literal', 'environment', 'header', 'formatter'),
);

const Tracing = z.object({
  match,
  providers,
  randomSamplingPercentage: ruled(Double, within(0, 100)).exactOptional(),
  disableSpanReporting: flag,
  disableContextPropagation: flag,
  customTags: z.record(z.string(), CustomTag).default({}),
  enableIstioTags: flag,
  useRequestIdForTraceSampling: flag,
});

const tagFits: Rule = forMap((tag) => {
  if (tag['operation'] === 'UPSERT' && (!has(tag, 'value') || tag['value'] === '')) return 'must have a value when the operation is UPSERT';
  return tag['operation'] === 'REMOVE' && has(tag, 'value') ? 'may not have a value when the operation is REMOVE' : undefined;
});

/** The metrics that a rule can name. */
const metricNames = ['ALL_METRICS', 'REQUEST_COUNT', 'REQUEST_DURATION', 'REQUEST_SIZE', 'RESPONSE_SIZE', 'TCP_OPENED_CONNECTIONS', 'TCP_CLOSED_CONNECTIONS', 'TCP_SENT_BYTES', 'TCP_RECEIVED_BYTES', 'GRPC_REQUEST_MESSAGES', 'GRPC_RESPONSE_MESSAGES'] as const;
const Override = z.object({
  match: ruled(z.object({ metric: z.enum(metricNames).exactOptional(), customMetric: z.string().meta({ rules: [length({ min: 1 })] }).exactOptional(), mode }), atMostOne('metric', 'customMetric')).exactOptional(),
  disabled: flag,
  tagOverrides: z.record(z.string(), ruled(z.object({ operation: protoEnum(['UPSERT', 'REMOVE']), value: Text }), tagFits)).default({}),
});
const Metrics = z.object({ providers, overrides: z.array(Override).meta({ notRun: 'metrics are Istio’s standard ones, with all their labels' }).default([]), reportingInterval: PositiveDuration.exactOptional() });

const AccessLogging = z.object({ match, providers, disabled: flag, filter: z.object({ expression: Text }).meta({ notRun: 'all requests are logged, or none' }).exactOptional() });

/** What proxies log, count and trace. Source: istio.io, Telemetry. */
export const Telemetry = ruled(
  z.object({ ...policyTarget, tracing: z.array(Tracing).default([]), metrics: z.array(Metrics).default([]), accessLogging: z.array(AccessLogging).default([]) }),
  atMostOne('selector', 'targetRef', 'targetRefs'),
);
export type Telemetry = z.output<typeof Telemetry>;

const noSuchClient = 'the lab’s sidecars export by OpenTelemetry and Zipkin only';
const HttpHeaders = z.array(z.object({ name: Text, value: Text, envName: notRun('a sidecar of the lab has no environment of yours') })).default([]);
const place = { service: filled, port: UInt32 };
/** Where a line of the access log may go: the proxy's own output. */
const outputs: readonly string[] = ['', '/dev/stdout', '/dev/stderr'];
/** A file for lines of the access log. */
export const LogFile = partlyRun(Text, (path) => (typeof path === 'string' && !outputs.includes(path) ? 'lines go to the proxy’s output, not into a file in its container' : undefined));

/** Providers of metrics, logs and traces, as `meshConfig.extensionProviders` lists them. Source: istio.io, MeshConfig.ExtensionProvider. */
export const reportingProviders = {
  prometheus: Accepted,
  opentelemetry: ruled(z.object({
    ...place, maxTagLength: UInt32.exactOptional(), resourceDetectors: Accepted, resource_detectors: Accepted, dynatraceSampler: notRun('sampling is the lab’s own'),
    http: z.object({ path: Text, timeout: Duration.exactOptional(), headers: HttpHeaders }).exactOptional(),
    grpc: z.object({ timeout: Duration.exactOptional(), initialMetadata: HttpHeaders }).exactOptional(),
  }), required('service', 'port')).exactOptional(),
  zipkin: ruled(z.object({ ...place, maxTagLength: UInt32.exactOptional(), enable64bitTraceId: notRun('trace ids have 128 bits'), path: Text, timeout: Duration.exactOptional(), headers: HttpHeaders, traceContextOption: Accepted }), required('service', 'port')).exactOptional(),
  envoyFileAccessLog: z.object({ path: LogFile, logFormat: z.object({ text: Text, labels: z.record(z.string(), z.unknown()).exactOptional() }).exactOptional(), omitEmptyValues: Flag }).exactOptional(),
  envoyOtelAls: ruled(z.object({ ...place, logName: Text, logFormat: z.object({ text: Text, labels: z.record(z.string(), z.unknown()).exactOptional() }).exactOptional(), filterStateObjectsToLog: notRun('the lab’s sidecars have no filter state') }), required('service', 'port')).exactOptional(),
  envoyHttpAls: notRun(noSuchClient), envoyTcpAls: notRun(noSuchClient), lightstep: notRun(noSuchClient), datadog: notRun(noSuchClient), stackdriver: notRun(noSuchClient), opencensus: notRun(noSuchClient), skywalking: notRun(noSuchClient),
};

/** One provider, with its name. */
export const ReportingProvider = z.object({ name: Text, ...reportingProviders });
export type ReportingProvider = z.output<typeof ReportingProvider>;
