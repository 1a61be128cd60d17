import { resolveGateway } from '../../compile/index.ts';
import { ofKind, type Diagnostic, type TypedResource } from '../../manifest/index.ts';
import { finding, selects, type Analysis, type Analyzer } from '../analyzer.ts';

const claims = '@request.auth.claims';

/** Routes by the claims of a token at a gateway that verifies none: they never match. */
export const jwtClaimRoutes: Analyzer = {
  name: 'virtualservice.JWTClaimRouteAnalyzer',
  codes: ['IST0149'],
  run: (analysis) => ofKind(analysis.resources, 'VirtualService').flatMap((rule) => {
    const route = claimRoute(rule);
    return route === undefined ? [] : rule.spec.gateways.filter((name) => name !== 'mesh').flatMap((name) => check(rule, route, resolveGateway(name, rule.metadata.namespace), analysis));
  }),
};

interface ClaimRoute {
  readonly key: string;
  readonly path: readonly (string | number)[];
}

/** The first route that looks at claims. */
function claimRoute({ spec }: TypedResource<'VirtualService'>): ClaimRoute | undefined {
  for (const [route, { match }] of spec.http.entries()) {
    for (const [index, { headers, withoutHeaders }] of match.entries()) {
      for (const [field, named] of Object.entries({ headers, withoutHeaders })) {
        const key = Object.keys(named).find((header) => header.startsWith(claims));
        if (key !== undefined) return { key, path: ['spec', 'http', route, 'match', index, field, key] };
      }
    }
  }
  return undefined;
}

function check(rule: TypedResource<'VirtualService'>, { key, path }: ClaimRoute, full: string, { resources, registry, gateways, rootNamespace }: Analysis): readonly Diagnostic[] {
  const gateway = ofKind(resources, 'Gateway').find(({ metadata }) => `${metadata.namespace}/${metadata.name}` === full);
  if (gateway === undefined) return [];
  const pods = [...registry.templates, ...gateways].filter(({ labels }) => selects(gateway.spec.selector, labels));
  const verified = (pod: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> }): boolean => ofKind(resources, 'RequestAuthentication').some(({ metadata, spec }) => {
    const wanted = spec.selector?.matchLabels ?? {};
    return (metadata.namespace === pod.namespace || metadata.namespace === rootNamespace) && (Object.keys(wanted).length === 0 || selects(wanted, pod.labels));
  });
  return pods.filter((pod) => !verified(pod)).map(() => finding(rule, path, {
    code: 'IST0149', level: 'error', message: `${key} is known only where a token was verified, and no RequestAuthentication is for the gateway ${full}: the route never matches.`, help: `Apply a RequestAuthentication that selects the gateway’s pods.`,
  }));
}
