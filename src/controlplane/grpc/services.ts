import type { handleBidiStreamingCall, handleUnaryCall, ServiceDefinition } from '@grpc/grpc-js';

const bytes = (message: Buffer): Buffer => message;
const method = <Streams extends boolean>(path: string, streams: Streams) => ({
  path, requestStream: streams, responseStream: streams, requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes,
});

/** `envoy.service.discovery.v3.AggregatedDiscoveryService`. Messages are read and written by the codec, so that a bad one costs its stream and not the call's set-up. */
export const discoveryService = {
  StreamAggregatedResources: method('/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources', true),
  DeltaAggregatedResources: method('/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources', true),
} satisfies ServiceDefinition;

/** `envoy.service.secret.v3.SecretDiscoveryService`. */
export const secretService = {
  StreamSecrets: method('/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets', true),
  DeltaSecrets: method('/envoy.service.secret.v3.SecretDiscoveryService/DeltaSecrets', true),
} satisfies ServiceDefinition;

/** `istio.v1.auth.IstioCertificateService`. */
export const certificateService = {
  CreateCertificate: method('/istio.v1.auth.IstioCertificateService/CreateCertificate', false),
} satisfies ServiceDefinition;

/** What serves the two kinds of methods. */
export type StreamHandler = handleBidiStreamingCall<Buffer, Buffer>;
export type UnaryHandler = handleUnaryCall<Buffer, Buffer>;
