import type { GraphNode, MetricLabels } from '../../contract/index.ts';

/** One end of an edge: the node that it belongs to. */
export interface End {
  readonly id: string;
  readonly kind: GraphNode['kind'];
  readonly name: string;
  readonly namespace: string;
}

/** What is known besides one delta's labels. */
export interface Known {
  /** `namespace/app` of gateways. */
  isGateway(namespace: string, app: string): boolean;
  /** The node that has answered for a service before. */
  serverOf(service: string): End | undefined;
}

/** Callers that the mesh cannot name: they have no proxy, or the TLS handshake that would have told who they are has failed. */
const unidentified: End = { id: 'unidentified', kind: 'unknown', name: 'unidentified', namespace: '' };
/** Destinations that no Service and no ServiceEntry has. */
const unregistered: End = { id: 'unknown', kind: 'unknown', name: 'unregistered', namespace: '' };
/** Envoy's and Istio's names for what is not in the registry. */
const noService: ReadonlySet<string> = new Set(['', 'unknown', 'PassthroughCluster', 'InboundPassthroughCluster', 'BlackHoleCluster', 'InboundPassthroughClusterIpv4']);

const said = (value: string): boolean => value !== '' && value !== 'unknown';

/** The node of a workload with this canonical name. */
export function workloadEnd(namespace: string, app: string, gateway: boolean): End {
  return gateway ? { id: `gateway:${app}`, kind: 'gateway', name: app, namespace } : { id: `${namespace}/${app}`, kind: 'service', name: app, namespace };
}

/** Who called, by Istio's canonical labels. */
export function sourceEnd(labels: MetricLabels, known: Known): End {
  return canonical([labels.source_canonical_service, labels.source_app, labels.source_workload], labels.source_workload_namespace, known) ?? unidentified;
}

/**
 * Who was called. A request that never reached a workload (an injected fault, no healthy host) belongs to the node that else answers for the service;
 * hosts outside of the mesh are nodes of their own.
 */
export function targetEnd(labels: MetricLabels, known: Known): End {
  const workload = canonical([labels.destination_canonical_service, labels.destination_app, labels.destination_workload], labels.destination_workload_namespace, known);
  if (workload !== undefined) return workload;
  const service = labels.destination_service;
  if (noService.has(service)) return unregistered;
  const server = known.serverOf(service);
  if (server !== undefined) return server;
  if (!/\.svc(\.|$)/.test(service)) return { id: `host:${service}`, kind: 'external', name: service, namespace: '' };
  const [name = service, namespace = ''] = service.split('.');
  return workloadEnd(namespace, name, known.isGateway(namespace, name));
}

function canonical(names: readonly string[], namespace: string, known: Known): End | undefined {
  const app = names.find(said);
  return app === undefined ? undefined : workloadEnd(said(namespace) ? namespace : '', app, known.isGateway(namespace, app));
}
