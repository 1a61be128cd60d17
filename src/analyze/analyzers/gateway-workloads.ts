import { ofKind, type Diagnostic, type TypedResource } from '../../manifest/index.ts';
import { finding, selects, type Analysis, type Analyzer } from '../analyzer.ts';

/** Gateways that select no gateway pod, and ports that the pod's Service does not have. */
export const gatewayWorkloads: Analyzer = {
  name: 'gateway.IngressGatewayPortAnalyzer',
  codes: ['IST0101', 'IST0162'],
  run: (analysis) => ofKind(analysis.resources, 'Gateway').flatMap((gateway) => check(gateway, analysis)),
};

function check(gateway: TypedResource<'Gateway'>, { registry, gateways }: Analysis): readonly Diagnostic[] {
  const { selector, servers } = gateway.spec;
  if (Object.keys(selector).length === 0 || gateways.some(({ labels }) => selects(selector, labels))) return [];
  const pods = registry.templates.filter(({ labels }) => selects(selector, labels));
  if (pods.length === 0) {
    const words = Object.entries(selector).map(([name, value]) => `${name}=${value}`).join(', ');
    return [finding(gateway, ['spec', 'selector'], { code: 'IST0101', level: 'error', message: `No gateway has the labels ${words}, so nothing opens these ports.`, help: 'Istio’s own ingress gateway is istio: ingressgateway.' })];
  }
  const ports = new Set<number>();
  for (const service of registry.services) {
    if (pods.some((pod) => pod.namespace === service.metadata.namespace && selects(service.spec.selector, pod.labels))) service.spec.ports.forEach(({ port }) => ports.add(port));
  }
  if (ports.size === 0) return [];
  return servers.flatMap(({ port }, index) =>
    port === undefined || port.number === 0 || ports.has(port.number)
      ? []
      : [finding(gateway, ['spec', 'servers', index, 'port', 'number'], { code: 'IST0162', level: 'warning', message: `The gateway’s Service has no port ${port.number}, so nobody outside reaches this server.`, help: `It has ${[...ports].join(', ')}.` })],
  );
}
