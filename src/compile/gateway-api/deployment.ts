import { ofKind, type Resource, type Service, type TypedResource } from '../../manifest/index.ts';
import { references, type References } from './references.ts';

/** A gateway that the lab deploys itself, as Istio does for a Gateway without addresses of its own. Source: istio.io, "Automated Deployment". */
export interface ManagedGateway {
  readonly gateway: TypedResource<'KubernetesGateway'>;
  readonly namespace: string;
  /** Of the Service, the workload and the service account: `GATEWAY-CLASS`. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Ports of its listeners, each once. */
  readonly ports: readonly number[];
}

const nameLabel = 'gateway.networking.k8s.io/gateway-name';

/** The gateways of Istio's class that name no Service of their own. */
export function managedGateways(resources: readonly Resource[]): readonly ManagedGateway[] {
  const found = references(resources, '');
  return ofKind(resources, 'KubernetesGateway').filter((gateway) => isManaged(gateway, found)).map((gateway) => {
    const { infrastructure, listeners, gatewayClassName } = gateway.spec;
    const { name, namespace } = gateway.metadata;
    return {
      gateway, namespace, name: `${name}-${gatewayClassName}`, annotations: { ...infrastructure?.annotations },
      labels: { ...infrastructure?.labels, [nameLabel]: name, 'gateway.networking.k8s.io/gateway-class-name': gatewayClassName, 'gateway.istio.io/managed': 'istio.io-gateway-controller' },
      ports: [...new Set(listeners.map(({ port }) => port))].filter((port) => port > 0 && port <= 65_535).sort((a, b) => a - b),
    };
  });
}

function isManaged({ spec }: TypedResource<'KubernetesGateway'>, found: References): boolean {
  return found.gatewayClass(spec.gatewayClassName) === 'gateway' && spec.infrastructure?.parametersRef === undefined && spec.addresses.every(({ type }) => type !== 'Hostname');
}

/** The Services of gateways that the lab deploys itself; one that is written under the same name counts instead. */
export function gatewayServices(resources: readonly Resource[]): readonly TypedResource<'Service'>[] {
  const written = new Set(ofKind(resources, 'Service').map(({ metadata }) => `${metadata.namespace}/${metadata.name}`));
  return managedGateways(resources).filter(({ namespace, name }) => !written.has(`${namespace}/${name}`)).map(serviceOf);
}

function serviceOf({ gateway, namespace, name, labels, annotations, ports }: ManagedGateway): TypedResource<'Service'> {
  const spec: Service = {
    type: 'LoadBalancer', clusterIP: '', clusterIPs: [], externalName: '', externalIPs: [], selector: { [nameLabel]: gateway.metadata.name }, publishNotReadyAddresses: false,
    ports: ports.map((port) => ({ name: `tcp-${port}`, port, targetPort: port, protocol: 'TCP', appProtocol: '' })),
  };
  const metadata = { name, namespace, labels, annotations };
  return { apiVersion: 'v1', kind: 'Service', metadata, spec, body: { apiVersion: 'v1', kind: 'Service', metadata, spec }, origin: gateway.origin, locate: gateway.locate };
}

/** The hosts of the services before a gateway: its own one, or those that its addresses name. */
export function gatewayHosts({ spec, metadata }: TypedResource<'KubernetesGateway'>, domainSuffix: string): readonly string[] {
  const named = spec.addresses.filter(({ type }) => type === 'Hostname').map(({ value }) => value.toLowerCase());
  const full = (name: string): string => (name.includes('.') ? name : `${name}.${metadata.namespace}.svc.${domainSuffix}`);
  return named.length > 0 ? named.map(full) : [full(`${metadata.name}-${spec.gatewayClassName}`)];
}
