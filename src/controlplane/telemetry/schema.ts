import { z } from 'zod';
import { durationBuckets, type MetricDelta, type RequestRecord } from '../../contract/index.ts';

const text = z.string().max(16 * 1024);
const count = z.number().min(0);
const peer = z.object({ pod: text, workload: text, namespace: text, app: text, version: text, principal: text, ip: text });
const headers = z.array(z.tuple([text, text])).max(200);
const step = z.looseObject({ stage: text, what: text });

/** What a record from a proxy must look like; the rest of the control plane trusts its shape. */
export const recordSchema = z.object({
  key: text, time: z.number(), reporter: z.enum(['source', 'destination']), proxy: text, requestId: text, traceId: text, spanId: text, parentSpanId: text, sampled: z.boolean(), tags: z.record(text, text).exactOptional(),
  source: peer, destination: peer, service: text, protocol: z.enum(['http', 'grpc', 'tcp']), method: text, authority: text, path: text,
  status: z.number(), grpcStatus: z.number().exactOptional(), flags: z.array(text).max(32), details: text, duration: count, upstreamDuration: count,
  bytesReceived: count, bytesSent: count, retries: count, mtls: z.boolean(), listener: text, route: text, cluster: text, endpoint: text,
  decision: z.array(step).max(200), requestHeaders: headers, responseHeaders: headers,
}) as unknown as z.ZodType<RequestRecord>;

/** Istio's standard labels, in the order in which they are printed. */
export const labelNames = [
  'reporter', 'source_workload', 'source_workload_namespace', 'source_principal', 'source_app', 'source_version', 'source_canonical_service', 'source_canonical_revision', 'source_cluster',
  'destination_workload', 'destination_workload_namespace', 'destination_principal', 'destination_app', 'destination_version', 'destination_service', 'destination_service_name',
  'destination_service_namespace', 'destination_canonical_service', 'destination_canonical_revision', 'destination_cluster',
  'request_protocol', 'response_code', 'grpc_response_status', 'response_flags', 'connection_security_policy',
] as const satisfies readonly (keyof MetricDelta['labels'])[];

const label = z.string().max(1024);

/** What a proxy's metrics must look like. */
export const metricSchema = z.object({
  labels: z.object(Object.fromEntries(labelNames.map((name) => [name, label]))), shown: z.record(label, z.record(label, label).nullable()).exactOptional(),
  requests: count, durations: z.array(count).length(durationBuckets.length + 1), durationSum: count, requestBytes: count, responseBytes: count,
  tcpOpened: count, tcpClosed: count, tcpSent: count, tcpReceived: count,
}) as unknown as z.ZodType<MetricDelta>;
