import type { Attributes } from '../../features/telemetry/filter.ts';
import type { Peer, RequestRecord } from '../../contract/index.ts';
import type { AccessFacts } from '../runtime.ts';

/** Response flags by their bits. Source: Envoy, StreamInfo::CoreResponseFlag. */
const flagBits = ['LH', 'UH', 'UT', 'LR', 'UR', 'UF', 'UC', 'UO', 'NR', 'DI', 'FI', 'RL', 'UAEX', 'RLSE', 'DC', 'URX', 'SI', 'IH', 'DPE', 'UMSDR', 'RFCF', 'NFCF', 'DT', 'UPE', 'NC', 'OM'];

/** What expressions of the rules can read of a request or connection. Source: Envoy, "Attributes"; Istio's peer metadata. */
export function attributesOf(record: RequestRecord, facts: AccessFacts): Attributes {
  const { request, response } = facts.headers();
  const inbound = record.reporter === 'destination';
  const http = record.protocol !== 'tcp';
  const path = record.path;
  const question = path.indexOf('?');
  const shared = {
    source: address(facts.downstreamRemoteAddress), destination: address(facts.downstreamLocalAddress), upstream: address(record.endpoint),
    connection: { mtls: record.mtls && inbound, requested_server_name: facts.requestedServerName, ...(inbound && record.source.principal !== '' ? { uri_san_peer_certificate: record.source.principal } : {}) },
    xds: { cluster_name: record.cluster, route_name: facts.routeName, listener_direction: inbound ? 1n : 2n },
    downstream_peer: peer(record.source), upstream_peer: peer(record.destination),
    filter_state: { downstream_peer: peer(record.source), upstream_peer: peer(record.destination) },
  };
  if (!http) return new Map(Object.entries({ ...shared, connection: { ...shared.connection } }));
  return new Map(Object.entries({
    ...shared,
    request: {
      path, url_path: question < 0 ? path : path.slice(0, question), query: question < 0 ? '' : path.slice(question + 1), host: record.authority, method: record.method, headers: request, id: record.requestId,
      scheme: request['x-forwarded-proto'] ?? 'http', useragent: request['user-agent'] ?? '', referer: request['referer'] ?? '', protocol: facts.protocol, size: BigInt(record.bytesReceived), total_size: BigInt(record.bytesReceived),
    },
    response: {
      code: BigInt(record.status), code_details: record.details, flags: BigInt(record.flags.reduce((bits, flag) => bits + (flagBits.includes(flag) ? 2 ** flagBits.indexOf(flag) : 0), 0)), headers: response,
      size: BigInt(record.bytesSent), total_size: BigInt(record.bytesSent), ...(record.grpcStatus === undefined ? {} : { grpc_status: BigInt(record.grpcStatus) }),
    },
  }));
}

function address(text: string): { readonly address: string; readonly port: bigint } {
  const colon = text.lastIndexOf(':');
  return { address: text, port: BigInt(Number(text.slice(colon + 1)) || 0) };
}

function peer({ pod, workload, namespace, app, version }: Peer): Readonly<Record<string, string>> {
  return { name: pod.slice(pod.indexOf('/') + 1), workload, namespace, app, service: app, revision: version, version, cluster: 'Kubernetes' };
}
