import { serverKind, type ServerKind } from '../features/gateway/compile.ts';
import type { Server } from '../features/gateway/manifest.ts';
import type { TypedResource } from '../manifest/index.ts';
import type { Origin } from '../xds/index.ts';
import { originAt, selects } from './model.ts';
import type { SnapshotIndex } from './snapshot-index.ts';
import type { ProxyNode } from './types.ts';

/** Names services instead of labels as what chooses the gateway's pods. */
const serviceAnnotation = 'internal.istio.io/gateway-service';

/** On Gateways that stand for listeners of the Gateway API. */
const semanticsAnnotation = 'internal.istio.io/gateway-semantics';

/** A server of a gateway on one port of the proxy. */
export interface GatewayServer {
  readonly kind: ServerKind;
  readonly server: Server;
  /** The port on which the proxy listens: the target port where a service stands before it. */
  readonly port: number;
  /** The port that the server names; rules refer to it. */
  readonly number: number;
  readonly bind: string;
  /** `namespace/name` of the gateway. */
  readonly gateway: string;
  readonly gatewayName: string;
  readonly gatewayNamespace: string;
  /** The hosts without namespaces. */
  readonly hosts: readonly string[];
  readonly origin: Origin;
  /** It stands for a listener of the Gateway API. */
  readonly api: boolean;
}

/**
 * The servers of all gateways that choose the proxy, oldest gateway first. What contradicts an earlier server is left out: TLS on a port that
 * is in the clear already, TCP beside anything in the clear, and the TLS hosts that a port has already.
 */
export function gatewayServers(index: SnapshotIndex, node: ProxyNode): readonly GatewayServer[] {
  const servers = index.gateways.flatMap((gateway) => gateway.spec.servers.flatMap((server, at) => portsOf(index, node, gateway, server.port?.number ?? 0).map((port) => describe(gateway, server, at, port))));
  const accepted: GatewayServer[] = [];
  const tlsHosts = new Set<string>();
  for (const server of servers) {
    const sharing = accepted.filter(({ port, bind }) => port === server.port && bind === server.bind);
    if (isPlain(server)) {
      if (sharing.some((other) => isPlain(other) && (other.kind === 'tcp' || server.kind === 'tcp'))) continue;
      accepted.push(server);
    } else {
      if (sharing.some(isPlain)) continue;
      const left = withoutTakenHosts(server, tlsHosts);
      if (left !== undefined) accepted.push(left);
    }
  }
  return accepted;
}

function isPlain({ kind }: GatewayServer): boolean {
  return kind === 'http' || kind === 'tcp';
}

/** A TLS host that an earlier server of the port has already is dropped; `undefined` when none is left. */
function withoutTakenHosts(server: GatewayServer, taken: Set<string>): GatewayServer | undefined {
  const written = server.server.hosts.filter((host) => {
    const key = `${server.bind}:${server.port} ${qualified(host, server.gatewayNamespace)}`;
    if (taken.has(key)) return false;
    taken.add(key);
    return true;
  });
  if (written.length === 0) return undefined;
  return { ...server, server: { ...server.server, hosts: written }, hosts: written.map(bare) };
}

function qualified(host: string, namespace: string): string {
  if (host.startsWith('./')) return `${namespace}/${host.slice(2)}`;
  return host.includes('/') ? host : `*/${host}`;
}

function bare(host: string): string {
  return host.slice(host.indexOf('/') + 1).toLowerCase();
}

function describe(gateway: TypedResource<'Gateway'>, server: Server, at: number, port: number): GatewayServer {
  const { name, namespace } = gateway.metadata;
  return {
    kind: serverKind(server), server, port, number: server.port?.number ?? 0, bind: server.bind === '' ? '0.0.0.0' : server.bind,
    gateway: `${namespace}/${name}`, gatewayName: name, gatewayNamespace: namespace, hosts: server.hosts.map(bare), origin: originAt(gateway, ['spec', 'servers', at]),
    api: gateway.metadata.annotations[semanticsAnnotation] === 'gateway',
  };
}

/** The proxy's ports for a server's port. Through services it is their target port; without a service that has the port, it is the port itself. */
function portsOf(index: SnapshotIndex, node: ProxyNode, gateway: TypedResource<'Gateway'>, number: number): readonly number[] {
  const targets = (index.targetsByIp.get(node.ip) ?? []).filter(({ servicePort }) => servicePort === number);
  const named = gateway.metadata.annotations[serviceAnnotation];
  if (named !== undefined) {
    const services = new Set(named.split(',').map((host) => host.trim()));
    return [...new Set(targets.filter(({ service }) => services.has(service.host)).map(({ targetPort }) => targetPort))];
  }
  if (!selects(gateway.spec.selector, node.labels)) return [];
  return [targets[0]?.targetPort ?? number];
}

/** The server's hosts that VirtualServices of a namespace may use. */
export function hostsFor({ server, gatewayNamespace }: GatewayServer, namespace: string): readonly string[] {
  return server.hosts.flatMap((host) => {
    const [from = '', name = ''] = qualified(host, gatewayNamespace).split('/');
    return from === '*' || from === namespace ? [name.toLowerCase()] : [];
  });
}
