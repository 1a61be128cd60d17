import { createServer } from 'node:net';
import { ingressGateways, managedGateways } from '../../compile/index.ts';
import { installation, ofKind, type Resource, type TypedResource } from '../../manifest/index.ts';
import type { PublishedPort } from '../docker/index.ts';

/** The ingress gateway, with the names and labels of Istio's own. */
export const ingressGateway = {
  workload: 'istio-ingressgateway', namespace: 'istio-system', serviceAccount: 'istio-ingressgateway-service-account',
  labels: { app: 'istio-ingressgateway', istio: 'ingressgateway' },
} as const;

/** Ports of Istio's ingress gateway Service, and of the pods behind it. */
const standardPorts = [80, 443, 8080, 8443, 15443, 31400] as const;

/** Ports that people expect on the host: what is asked for first. */
const preferences: readonly { readonly host: number; readonly serves: readonly number[] }[] = [
  { host: 8080, serves: [80, 8080] }, { host: 8443, serves: [443, 8443] },
];

/** Ports that the ingress gateway has to offer for these manifests; empty when no Gateway selects it or an IstioOperator installs none. */
export function gatewayPorts(resources: readonly Resource[]): readonly number[] {
  if (installation(resources)?.ingress === false) return [];
  const labels: Readonly<Record<string, string>> = ingressGateway.labels;
  const gateways = istioGateways(resources).filter(({ spec }) => {
    const selector = Object.entries(spec.selector);
    return selector.length > 0 && selector.every(([name, value]) => labels[name] === value);
  });
  if (gateways.length === 0) return [];
  const declared = gateways.flatMap(({ spec }) => spec.servers.map(({ port }) => port?.number ?? 0)).filter((port) => port > 0 && port <= 65_535);
  return [...new Set([...standardPorts, ...declared])].sort((a, b) => a - b);
}

/**
 * Where the gateway's ports are published on 127.0.0.1: 8080 for HTTP and 8443 for HTTPS when they are free, any free port for the others.
 * Of 80 and 8080 the one that a Gateway declares gets the nice number.
 */
export async function publishPorts(ports: readonly number[], declared: readonly number[], isFree: (port: number) => Promise<boolean> = portIsFree): Promise<readonly PublishedPort[]> {
  const wanted = new Map<number, number>();
  for (const { host, serves } of preferences) {
    const port = serves.find((candidate) => declared.includes(candidate)) ?? serves[0];
    if (port !== undefined && ports.includes(port) && await isFree(host)) wanted.set(port, host);
  }
  return ports.map((container) => ({ container, protocol: 'tcp', host: wanted.get(container) ?? 0 }));
}

/** Istio's Gateways, and those that Ingresses stand for. */
function istioGateways(resources: readonly Resource[]): readonly TypedResource<'Gateway'>[] {
  return [...ofKind(resources, 'Gateway'), ...ingressGateways(resources, ingressGateway.namespace)];
}

/** Ports that Gateways declare. */
export function declaredPorts(resources: readonly Resource[]): readonly number[] {
  return [...istioGateways(resources).flatMap(({ spec }) => spec.servers.map(({ port }) => port?.number ?? 0)), ...managedGateways(resources).flatMap(({ ports }) => ports)];
}

/** The name of a gateway's port in statuses. */
export function portName(port: number): string {
  return ({ 80: 'http2', 443: 'https', 8080: 'http', 8443: 'https-alt', 15443: 'tls', 31400: 'tcp' } as Readonly<Record<number, string>>)[port] ?? `port-${port}`;
}

function portIsFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => { resolve(false); });
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => { server.close(() => { resolve(true); }); });
  });
}
