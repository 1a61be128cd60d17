import { servicePortProtocol } from '../../compile/index.ts';
import { ofKind, type TypedResource } from '../../manifest/index.ts';
import { finding, systemNamespaces, type Analyzer } from '../analyzer.ts';

/** Ports whose protocol nobody says: it is then found out from the first bytes of each connection. */
export const portNames: Analyzer = {
  name: 'service.PortNameAnalyzer',
  codes: ['IST0118', 'IST0150'],
  run: ({ resources }) => ofKind(resources, 'Service').filter((service) => !excused(service)).flatMap((service) =>
    service.spec.ports.flatMap((port, index) => {
      const path = ['spec', 'ports', index];
      const external = service.spec.type === 'ExternalName';
      if (external && port.name === 'tcp') {
        return [finding(service, [...path, 'name'], { code: 'IST0150', level: 'warning', message: `An ExternalName service with a plain TCP port takes all traffic to port ${port.port}, whatever its host.`, help: 'Name the port https or tls.' })];
      }
      if (servicePortProtocol({ ...port, port: 0 }).kind !== 'auto') return [];
      return [finding(service, path, {
        code: external ? 'IST0150' : 'IST0118', level: external ? 'warning' : 'info',
        message: `Port ${port.name === '' ? port.port : port.name} does not say its protocol, so it is guessed from the first bytes of each connection.`,
        help: `Name it like http-${port.name === '' ? 'web' : port.name}, or set appProtocol.`,
      })];
    }),
  ),
};

/** Kubernetes' and Istio's own services. */
function excused({ metadata }: TypedResource<'Service'>): boolean {
  return systemNamespaces.has(metadata.namespace) || metadata.labels['istio'] !== undefined || metadata.labels['release'] === 'istio' || metadata.labels['operator.istio.io/component'] !== undefined || metadata.labels['gateway.istio.io/managed'] !== undefined;
}
