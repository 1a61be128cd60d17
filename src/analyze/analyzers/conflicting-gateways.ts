import { ofKind, type TypedResource } from '../../manifest/index.ts';
import { finding, type Analyzer } from '../analyzer.ts';

type Gateway = TypedResource<'Gateway'>;
type Server = Gateway['spec']['servers'][number];

/** Gateways that want the same host on the same port of the same pods: only the older one gets it. */
export const conflictingGateways: Analyzer = {
  name: 'gateway.ConflictingGatewayAnalyzer',
  codes: ['IST0145'],
  run: ({ resources }) => {
    const gateways = ofKind(resources, 'Gateway');
    return gateways.flatMap((gateway) => {
      const index = gateway.spec.servers.findIndex((server) => gateways.some((other) => other !== gateway && samePods(gateway, other) && other.spec.servers.some((theirs) => collides(server, theirs))));
      if (index < 0) return [];
      const server = gateway.spec.servers[index];
      const others = gateways.filter((other) => other !== gateway && server !== undefined && samePods(gateway, other) && other.spec.servers.some((theirs) => collides(server, theirs)));
      const names = others.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).join(', ');
      return [finding(gateway, ['spec', 'servers', index], { code: 'IST0145', level: 'error', message: `Gateway ${names} serves the same host on port ${server?.port?.number ?? 0} of the same pods.`, help: 'Use one Gateway for both, or other hosts or ports.' })];
    });
  },
};

const samePods = (left: Gateway, right: Gateway): boolean => canonical(left.spec.selector) === canonical(right.spec.selector);
const canonical = (selector: Readonly<Record<string, string>>): string => JSON.stringify(Object.entries(selector).sort(([a], [b]) => (a < b ? -1 : 1)));
const bare = (host: string): string => host.slice(host.indexOf('/') + 1);

function collides(left: Server, right: Server): boolean {
  if (left.port === undefined || right.port === undefined || left.port.number !== right.port.number || left.bind !== right.bind) return false;
  return left.hosts.some((host) => right.hosts.some((other) => bare(host) === bare(other)));
}
