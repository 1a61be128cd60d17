import { ofKind, type Diagnostic, type Resource } from '../../manifest/index.ts';
import { finding, type Analyzer } from '../analyzer.ts';

/** Fields that Istio still takes and will not take for ever. */
export const deprecation: Analyzer = {
  name: 'deprecation.FieldAnalyzer',
  codes: ['IST0002'],
  run: ({ resources }) => [
    ...ofKind(resources, 'VirtualService').flatMap((service) =>
      service.spec.http.flatMap((rule, index) => {
        const path = ['spec', 'http', index];
        const found: Diagnostic[] = [];
        const written = rawAt(service, [...path, 'fault', 'delay']);
        if (typeof written === 'object' && written !== null && 'percent' in written) found.push(deprecated(service, [...path, 'fault', 'delay', 'percent'], 'percent', 'percentage.value'));
        if ((rule.corsPolicy?.allowOrigin.length ?? 0) > 0) found.push(deprecated(service, [...path, 'corsPolicy', 'allowOrigin'], 'allowOrigin', 'allowOrigins'));
        return found;
      }),
    ),
    ...ofKind(resources, 'Sidecar').flatMap((sidecar) => {
      const proxy = sidecar.spec.outboundTrafficPolicy?.egressProxy;
      return proxy === undefined ? [] : [deprecated(sidecar, ['spec', 'outboundTrafficPolicy', 'egressProxy'], 'egressProxy', 'a ServiceEntry and a VirtualService')];
    }),
    ...ofKind(resources, 'DestinationRule').flatMap((rule) =>
      rule.spec.trafficPolicy?.loadBalancer?.simple === 'LEAST_CONN' ? [deprecated(rule, ['spec', 'trafficPolicy', 'loadBalancer', 'simple'], 'LEAST_CONN', 'LEAST_REQUEST')] : [],
    ),
  ],
};

function deprecated(resource: Resource, path: readonly (string | number)[], old: string, instead: string): Diagnostic {
  return finding(resource, path, { code: 'IST0002', level: 'warning', message: `${old} is deprecated.`, help: `Use ${instead}.` });
}

function rawAt(resource: Resource, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((value, step) => (typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[step] : undefined), resource.body);
}
