import type { Graph, Peer, RequestRecord } from '../../src/contract/index.ts';

/** Finds the nodes and the edge of a request in a graph. */
export interface Where {
  /** Id of the node that sent it. */
  source(record: RequestRecord): string | undefined;
  /** Id of the node that it was for, also when it never got there. */
  target(record: RequestRecord): string | undefined;
  /** Id of the edge, when the graph has it. */
  edge(record: RequestRecord): string | undefined;
}

/** Indexes a graph once, for many requests. */
export function where(graph: Graph): Where {
  const ids = new Set(graph.nodes.map(node => node.id));
  const edges = new Map(graph.edges.map(edge => [`${edge.source}\n${edge.target}`, edge.id]));
  const first = (...candidates: readonly string[]): string | undefined => candidates.find(id => ids.has(id));
  const ofPeer = (peer: Peer): string | undefined => peer.app === '' && peer.workload === ''
    ? undefined
    : first(`gateway:${peer.workload}`, `gateway:${peer.app}`, `gateway:${peer.namespace}/${peer.workload}`, `${peer.namespace}/${peer.app}`, `${peer.namespace}/${peer.workload}`);
  const ofHost = (record: RequestRecord): string | undefined => {
    const [name, namespace] = record.service.split('.');
    return first(`${namespace ?? ''}/${name ?? ''}`, `host:${record.service}`, `host:${record.authority}`);
  };
  const source = (record: RequestRecord): string | undefined => ofPeer(record.source) ?? first('unidentified');
  const target = (record: RequestRecord): string | undefined => ofPeer(record.destination) ?? ofHost(record);
  return {
    source, target,
    edge: record => {
      const [from, to] = [source(record), target(record)];
      return from === undefined || to === undefined ? undefined : edges.get(`${from}\n${to}`);
    },
  };
}
