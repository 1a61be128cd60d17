import { isKind } from './guards.ts';
import type { IstioOperator } from './kinds/mesh-config.ts';
import type { Resource } from './types.ts';

/** A gateway that an IstioOperator installs. */
export interface InstalledGateway {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ports: readonly { readonly name: string; readonly port: number; readonly targetPort: number }[];
}

/** What is installed: whether Istio's own ingress gateway is, and which gateways besides. */
export interface Installation {
  readonly ingress: boolean;
  readonly gateways: readonly InstalledGateway[];
}

type Gateways = NonNullable<NonNullable<IstioOperator['components']>['ingressGateways']>;
type Kind = 'ingressgateway' | 'egressgateway';

const usualPorts = [{ name: 'http2', port: 80, targetPort: 8080 }, { name: 'https', port: 443, targetPort: 8443 }];
/** Profiles that come with a gateway. Source: istio.io, "Installation configuration profiles". */
const withGateway: Readonly<Record<Kind, readonly string[]>> = { ingressgateway: ['default', 'demo', 'preview', 'openshift', 'stable'], egressgateway: ['demo'] };

/** What the IstioOperators among these resources install; `undefined` when there is none, and the lab installs what Gateways ask for. */
export function installation(resources: readonly Resource[]): Installation | undefined {
  const operators = resources.filter((resource) => isKind(resource, 'IstioOperator')).map(({ spec }) => spec);
  if (operators.length === 0) return undefined;
  const gateways = operators.flatMap((operator) => {
    const { ingressGateways = [], egressGateways = [] } = operator.components ?? {};
    return [...chosen('ingressgateway', operator, ingressGateways), ...chosen('egressgateway', operator, egressGateways)];
  });
  const own = (gateway: InstalledGateway): boolean => gateway.name === 'istio-ingressgateway' && gateway.namespace === 'istio-system';
  return { ingress: gateways.some(own), gateways: gateways.filter((gateway) => !own(gateway)) };
}

/** The profile's gateway of a kind, unless an entry of its name turns it off, and the entries that are on. */
function chosen(kind: Kind, { profile = 'default', namespace }: IstioOperator, entries: Gateways): readonly InstalledGateway[] {
  const usual = `istio-${kind}`;
  const fromProfile = withGateway[kind].includes(profile);
  const on = entries.filter(({ name, enabled }) => enabled ?? (fromProfile && name === usual));
  const root = namespace === '' ? 'istio-system' : namespace;
  const written = on.map((entry) => ({ name: entry.name, namespace: entry.namespace === '' ? root : entry.namespace, labels: { app: usual, istio: kind, ...entry.label }, ports: portsOf(entry) }));
  return !fromProfile || entries.some(({ name }) => name === usual) ? written : [{ name: usual, namespace: root, labels: { app: usual, istio: kind }, ports: usualPorts }, ...written];
}

function portsOf({ k8s }: Gateways[number]): InstalledGateway['ports'] {
  const ports = k8s?.service?.ports ?? [];
  return ports.length === 0 ? usualPorts : ports.map(({ name, port, targetPort }) => ({ name: name === '' ? `port-${port}` : name, port, targetPort: targetPort ?? port }));
}
