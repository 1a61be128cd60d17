import { injected, ofKind, type PodTemplate, type TypedResource } from '../../manifest/index.ts';
import { finding, groupBy, type Analysis, type Analyzer } from '../analyzer.ts';
import { servicePortProtocol } from '../../compile/index.ts';

interface Use {
  readonly service: TypedResource<'Service'>;
  readonly port: number;
  readonly target: string;
  readonly protocol: string;
}

/** Deployments behind several Services that disagree about a port. */
export const sharedPods: Analyzer = {
  name: 'deployment.ServiceAssociationAnalyzer',
  codes: ['IST0116', 'IST0137'],
  run: (analysis) => {
    const namespaces = new Map(ofKind(analysis.resources, 'Namespace').map((namespace) => [namespace.metadata.name, namespace]));
    return analysis.registry.templates.filter((template) => template.kind === 'Deployment' && injected(template, namespaces.get(template.namespace))).flatMap((template) => {
      const uses = usesOf(template, analysis);
      const disagree = [...groupBy(uses, ({ port }) => String(port)).values()].find((group) => new Set(group.map(({ protocol }) => protocol)).size > 1);
      const doubled = [...groupBy(uses, ({ target }) => target).values()].find((group) => new Set(group.map(({ port }) => port)).size > 1 && new Set(group.map(({ service }) => service)).size > 1);
      const names = (group: readonly Use[]): string => [...new Set(group.map(({ service }) => service.metadata.name))].join(', ');
      return [
        ...(disagree === undefined ? [] : [finding(template.resource, ['metadata', 'name'], { code: 'IST0116', level: 'warning', message: `Services ${names(disagree)} share these pods and port ${disagree[0]?.port ?? 0}, but name different protocols.`, help: 'Let them agree on the port’s name or appProtocol.' })]),
        ...(doubled === undefined ? [] : [finding(template.resource, ['metadata', 'name'], { code: 'IST0137', level: 'warning', message: `Services ${names(doubled)} send to port ${doubled[0]?.target ?? ''} of these pods under different port numbers; the sidecar keeps only one of them.`, help: 'Use the same service port.' })]),
      ];
    });
  },
};

function usesOf(template: PodTemplate, { registry }: Analysis): readonly Use[] {
  return registry.services.filter((service) => registry.podsOf(service).includes(template)).flatMap((service) =>
    service.spec.ports.map((port) => ({ service, port: port.port, target: targetOf(port, template), protocol: servicePortProtocol({ ...port, port: 0 }).kind })),
  );
}

/** The container port behind a service port; a name is looked up in the pod. */
function targetOf({ port, targetPort }: Use['service']['spec']['ports'][number], { spec }: PodTemplate): string {
  if (targetPort === undefined) return String(port);
  const named = spec.containers.flatMap(({ ports }) => ports).find(({ name }) => name === targetPort);
  return String(named?.containerPort ?? targetPort);
}
