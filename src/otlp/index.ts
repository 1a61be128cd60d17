/** OpenTelemetry's protocol and Zipkin's: what proxies export, and what the lab takes from applications. */
export { createOtlpCodec, type OtlpCodec, type OtlpMessage } from './protobuf.ts';
export { metricsJson } from './metrics.ts';
export { logsJson, readLogs, type LogLine } from './logs.ts';
export { attributes, isError, nanoseconds, readTraces, readZipkin, reporterOf, spanTags, tracesJson, zipkinJson, type Attribute } from './spans.ts';
