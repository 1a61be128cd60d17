import { type Diagnostic } from '../../manifest/index.ts';
import { finding, type Analyzer } from '../analyzer.ts';

/** The user of Istio's proxy, whose traffic is not captured. */
const proxyUser = 1337;

/** Applications that run as the proxy's user go past the mesh. */
export const applicationUser: Analyzer = {
  name: 'deployment.ApplicationUIDAnalyzer',
  codes: ['IST0144'],
  run: ({ registry }) => registry.templates.flatMap(({ resource, spec, specPath }): readonly Diagnostic[] => {
    const what = { code: 'IST0144', level: 'warning', message: 'User 1337 is the sidecar’s: what it sends is not captured, so this application goes past the mesh.', help: 'Use another runAsUser.' } as const;
    if (spec.securityContext?.runAsUser === proxyUser) return [finding(resource, [...specPath, 'securityContext', 'runAsUser'], what)];
    const index = spec.containers.findIndex(({ name, securityContext }) => name !== 'istio-proxy' && securityContext?.runAsUser === proxyUser);
    return index < 0 ? [] : [finding(resource, [...specPath, 'containers', index, 'securityContext', 'runAsUser'], what)];
  }),
};
