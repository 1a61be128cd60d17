import { durationBuckets, type MetricDelta, type MetricLabels, type Peer, type RequestRecord } from '../../../src/contract/index.ts';

/** A peer in namespace `default`; empty app for the outside. */
export function peer(app: string, version = 'v1'): Peer {
  return { pod: app === '' ? '' : `default/${app}-${version}`, workload: `${app}-${version}`, namespace: 'default', app, version, principal: '', ip: '10.0.0.1' };
}

/** A successful GET from `productpage` to `reviews`, as its caller saw it. */
export function record(more: Partial<RequestRecord> = {}): RequestRecord {
  return {
    key: 'k', time: 1000, reporter: 'source', proxy: 'default/productpage-v1', requestId: 'r', traceId: 't', spanId: 's', parentSpanId: '', sampled: true,
    source: peer('productpage'), destination: peer('reviews'), service: 'reviews.default.svc.cluster.local', protocol: 'http', method: 'GET', authority: 'reviews:9080', path: '/',
    status: 200, flags: [], details: 'via_upstream', duration: 3, upstreamDuration: 2, bytesReceived: 0, bytesSent: 100, retries: 0, mtls: true,
    listener: '0.0.0.0_9080', route: 'default', cluster: 'outbound|9080||reviews.default.svc.cluster.local', endpoint: '10.0.0.2:9080', decision: [], requestHeaders: [], responseHeaders: [], ...more,
  };
}

/** What a proxy added for `productpage` → `reviews`; nothing unless said. */
export function delta(more: Partial<Omit<MetricDelta, 'labels'>> = {}, labels: Partial<MetricLabels> = {}): MetricDelta {
  return {
    requests: 0, durations: [...durationBuckets.map(() => 0), 0], durationSum: 0, requestBytes: 0, responseBytes: 0, tcpOpened: 0, tcpClosed: 0, tcpSent: 0, tcpReceived: 0, ...more,
    labels: {
      reporter: 'source', source_workload: 'productpage-v1', source_workload_namespace: 'default', source_principal: 'spiffe://cluster.local/ns/default/sa/productpage', source_app: 'productpage', source_version: 'v1',
      source_canonical_service: 'productpage', source_canonical_revision: 'v1', source_cluster: 'Kubernetes',
      destination_workload: 'reviews-v1', destination_workload_namespace: 'default', destination_principal: 'spiffe://cluster.local/ns/default/sa/reviews', destination_app: 'reviews', destination_version: 'v1',
      destination_service: 'reviews.default.svc.cluster.local', destination_service_name: 'reviews', destination_service_namespace: 'default', destination_canonical_service: 'reviews', destination_canonical_revision: 'v1', destination_cluster: 'Kubernetes',
      request_protocol: 'http', response_code: '200', grpc_response_status: '', response_flags: '-', connection_security_policy: 'mutual_tls', ...labels,
    },
  };
}
