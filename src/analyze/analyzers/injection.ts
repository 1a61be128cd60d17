import { ofKind, type PodTemplate, type TypedResource } from '../../manifest/index.ts';
import { finding, systemNamespaces, type Analysis, type Analyzer } from '../analyzer.ts';
import { injectorValues } from '../injector.ts';

const inject = 'sidecar.istio.io/inject';
const proxyContainer = 'istio-proxy';

/** Namespaces and pods that are not part of the mesh, by oversight. */
export const injection: Analyzer = {
  name: 'injection.Analyzer',
  codes: ['IST0102', 'IST0103', 'IST0123', 'IST0148'],
  cluster: true,
  run: (analysis) => {
    const namespaces = ofKind(analysis.resources, 'Namespace').filter(({ metadata }) => !systemNamespaces.has(metadata.name) && metadata.name !== analysis.rootNamespace);
    const byDefault = injectorValues(analysis.resources)?.enableNamespacesByDefault === true;
    return [
      ...namespaces.flatMap((namespace) => {
        const what = judge(namespace, byDefault);
        return what === undefined ? [] : [finding(namespace, ['metadata', 'labels'], what)];
      }),
      ...missingProxies(analysis, namespaces, byDefault),
    ];
  },
};

interface Words {
  readonly injection: string | undefined;
  readonly revision: string | undefined;
  readonly ambient: boolean;
}

function wordsOf({ metadata }: TypedResource<'Namespace'>): Words {
  return { injection: metadata.labels['istio-injection'], revision: metadata.labels['istio.io/rev'], ambient: metadata.labels['istio.io/dataplane-mode'] === 'ambient' };
}

function judge(namespace: TypedResource<'Namespace'>, byDefault: boolean): Parameters<typeof finding>[2] | undefined {
  const { injection: label, revision, ambient } = wordsOf(namespace);
  const said = [label === 'enabled' ? 'istio-injection' : '', revision === undefined ? '' : 'istio.io/rev', ambient ? 'istio.io/dataplane-mode' : ''].filter((word) => word !== '');
  if (label !== 'disabled' && said.length > 1) return { code: 'IST0123', level: 'warning', message: `The namespace has more than one of the labels that bring pods into the mesh (${said.join(', ')}); only one counts.`, help: 'Keep one of them.' };
  if (said.length > 0 || label !== undefined) return undefined;
  if (byDefault) return { code: 'IST0148', level: 'info', message: 'Pods of this namespace get a sidecar because injection is on for all namespaces.' };
  return { code: 'IST0102', level: 'info', message: 'Pods of this namespace get no sidecar.', help: 'Label it istio-injection=enabled, or istio-injection=disabled if that is meant.' };
}

function missingProxies({ registry }: Analysis, namespaces: readonly TypedResource<'Namespace'>[], byDefault: boolean): ReturnType<Analyzer['run']> {
  const enabled = new Set(namespaces.filter((namespace) => {
    const { injection: label, revision } = wordsOf(namespace);
    return label === 'enabled' || (label === undefined && (revision !== undefined || byDefault));
  }).map(({ metadata }) => metadata.name));
  return registry.templates.filter((pod) => pod.kind === 'Pod' && enabled.has(pod.namespace) && wantsProxy(pod) && !hasProxy(pod)).map(({ resource }) =>
    finding(resource, ['metadata', 'name'], { code: 'IST0103', level: 'warning', message: 'The pod has no sidecar though its namespace is injected: it was started before that.', help: 'Restart it.' }),
  );
}

const wantsProxy = ({ labels, annotations, spec }: PodTemplate): boolean => !spec.hostNetwork && (labels[inject] ?? annotations[inject]) !== 'false';
const hasProxy = ({ spec }: PodTemplate): boolean => [...spec.containers, ...spec.initContainers].some(({ name }) => name === proxyContainer);
