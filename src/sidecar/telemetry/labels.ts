import type { MetricLabels, RequestRecord } from '../../contract/index.ts';

/** Istio's standard labels of a request or connection. What is not known is `unknown`, as in Istio. */
export function labelsOf(record: RequestRecord): MetricLabels {
  const { source, destination } = record;
  const [serviceName = '', serviceNamespace = ''] = record.service.split('.');
  const inMesh = destination.workload !== '' || record.cluster.startsWith('inbound|') || record.service.includes('.svc.');
  return {
    reporter: record.reporter,
    source_workload: known(source.workload), source_workload_namespace: known(source.namespace), source_principal: known(source.principal),
    source_app: known(source.app), source_version: known(source.version), source_canonical_service: known(source.app), source_canonical_revision: known(source.version),
    source_cluster: source.workload === '' ? 'unknown' : 'Kubernetes',
    destination_workload: known(destination.workload), destination_workload_namespace: known(destination.namespace), destination_principal: known(destination.principal),
    destination_app: known(destination.app), destination_version: known(destination.version),
    destination_service: known(record.service), destination_service_name: inMesh ? known(serviceName) : known(record.service), destination_service_namespace: inMesh ? known(serviceNamespace) : 'unknown',
    destination_canonical_service: known(destination.app), destination_canonical_revision: known(destination.version), destination_cluster: inMesh ? 'Kubernetes' : 'unknown',
    request_protocol: record.protocol, response_code: record.protocol === 'tcp' ? '' : String(record.status),
    grpc_response_status: record.grpcStatus === undefined ? '' : String(record.grpcStatus),
    response_flags: record.flags.length === 0 ? '-' : record.flags.join(','),
    connection_security_policy: record.reporter === 'source' ? 'unknown' : record.mtls ? 'mutual_tls' : 'none',
  };
}

/** One string for one label set, cheap to make. */
export function seriesKey(record: RequestRecord): string {
  const { source, destination } = record;
  const flags = record.flags.length === 0 ? '' : record.flags.join();
  return `${record.reporter}|${source.workload}|${source.namespace}|${source.version}|${source.principal}|${source.app}|${destination.workload}|${destination.namespace}|${destination.version}`
    + `|${destination.principal}|${destination.app}|${record.service}|${record.protocol}|${record.status}|${record.grpcStatus ?? ''}|${flags}|${record.mtls}`;
}

function known(value: string): string {
  return value === '' ? 'unknown' : value;
}
