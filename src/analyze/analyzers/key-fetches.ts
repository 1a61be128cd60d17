import { ofKind, type Diagnostic } from '../../manifest/index.ts';
import { finding, type Analyzer } from '../analyzer.ts';

const variable = 'BLOCKED_CIDRS_IN_JWKS_URIS';

/** A control plane that fetches keys from wherever a RequestAuthentication says. Source: istio.io, IST0175. */
export const keyFetches: Analyzer = {
  name: 'authn.BlockedCIDRsAnalyzer',
  codes: ['IST0175'],
  cluster: true,
  run: ({ resources, registry }) => {
    const policies = ofKind(resources, 'RequestAuthentication').map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
    if (policies.length === 0) return [];
    return registry.templates.filter(({ kind, labels }) => kind === 'Deployment' && labels['app'] === 'istiod').flatMap(({ resource, spec, specPath }): readonly Diagnostic[] => {
      const index = spec.containers.findIndex(({ name }) => name === 'discovery');
      const container = spec.containers[index];
      if (container === undefined || container.env.some(({ name, value }) => name === variable && value !== '')) return [];
      return [finding(resource, [...specPath, 'containers', index], { code: 'IST0175', level: 'warning', message: `The control plane fetches the keys of ${policies.join(', ')} from any address, inside networks too: ${variable} is not set.`, help: `Set ${variable} to the ranges that it must not call.` })];
    });
  },
};
