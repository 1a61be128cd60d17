import { typeUrl, type Cluster, type LbEndpoint, type TransportSocket, type UpstreamTlsContext } from '../../xds/index.ts';

const matchKey = 'envoy.transport_socket_match';

/**
 * The TLS config for connections to a host, or `undefined` for plaintext. The first of `transportSocketMatches` whose fields all stand in
 * the endpoint's metadata decides, else the cluster's own socket. Source: Envoy, config.cluster.v3.Cluster, transport_socket_matches.
 */
export function upstreamTls(cluster: Cluster, endpoint: LbEndpoint): UpstreamTlsContext | undefined {
  const labels = endpoint.metadata?.filterMetadata?.[matchKey] ?? {};
  const found = cluster.transportSocketMatches?.find(({ match }) => Object.entries(match ?? {}).every(([key, value]) => labels[key] === value));
  return tlsOf(found === undefined ? cluster.transportSocket : found.transportSocket);
}

/** The TLS context that a transport socket carries; `undefined` for a raw buffer. Throws on a socket of another kind. */
function tlsOf(socket: TransportSocket | undefined): UpstreamTlsContext | undefined {
  const config = socket?.typedConfig as (UpstreamTlsContext & { '@type'?: string }) | undefined;
  if (config?.['@type'] === typeUrl.upstreamTls) return config;
  if (socket === undefined || socket.name === undefined || socket.name.endsWith('raw_buffer')) return undefined;
  throw new Error(`the transport socket ${socket.name} is not known`);
}

/** Throws when a cluster's transport cannot be used, so that the cluster is rejected before it is in force. */
export function checkTransport(cluster: Cluster): void {
  tlsOf(cluster.transportSocket);
  for (const { transportSocket } of cluster.transportSocketMatches ?? []) tlsOf(transportSocket);
}
