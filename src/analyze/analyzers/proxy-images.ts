import { ofKind } from '../../manifest/index.ts';
import { finding, type Analyzer } from '../analyzer.ts';
import { injectorValues, injectsPod } from '../injector.ts';

/** Pods whose sidecar is another version than the control plane injects now. */
export const proxyImages: Analyzer = {
  name: 'injection.ImageAnalyzer',
  codes: ['IST0158'],
  cluster: true,
  run: (analysis) => {
    const values = injectorValues(analysis.resources);
    if (values === undefined) return [];
    return ofKind(analysis.resources, 'Namespace').filter(({ metadata }) => metadata.labels['istio-injection'] === 'enabled').flatMap((namespace) => {
      const old = analysis.registry.templates.filter((pod) => {
        const image = [...pod.spec.containers, ...pod.spec.initContainers].find(({ name }) => name === 'istio-proxy')?.image;
        if (pod.kind !== 'Pod' || pod.namespace !== namespace.metadata.name || image === undefined || pod.annotations['sidecar.istio.io/proxyImage'] !== undefined) return false;
        return version(image) !== version(values.proxyImage);
      });
      if (old.length === 0) return [];
      return [finding(namespace, ['metadata', 'name'], { code: 'IST0158', level: 'warning', message: `The sidecars of ${old.map(({ workload }) => workload).join(', ')} are not the version that is injected now (${values.proxyImage}).`, help: 'Restart these pods.' })];
    });
  },
};

/** The variant of an image (distroless, debug) is a choice, not another version. */
const version = (image: string): string => image.replace(/-(distroless|debug)$/, '');

/** `image: auto` in pods that nobody injects: there is no such image. */
export const autoImages: Analyzer = {
  name: 'injection.ImageAutoAnalyzer',
  codes: ['IST0146', 'IST0147'],
  cluster: true,
  run: ({ resources, registry }) => registry.templates.filter(({ spec }) => spec.containers.some(({ image }) => image === 'auto')).flatMap((pod) => {
    if (injectsPod(resources, pod)) return [];
    const path = [...pod.specPath, 'containers', pod.spec.containers.findIndex(({ image }) => image === 'auto'), 'image'];
    const started = pod.kind === 'Pod';
    return [finding(pod.resource, path, { code: started ? 'IST0147' : 'IST0146', level: started ? 'error' : 'warning', message: 'Injection would replace “image: auto”, but nothing injects this pod, so it cannot start.', help: 'Label the namespace istio-injection=enabled, or the pod sidecar.istio.io/inject: "true".' })];
  }),
};
