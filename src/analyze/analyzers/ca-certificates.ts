import { ofKind, type Diagnostic, type TypedResource, type TrafficPolicy } from '../../manifest/index.ts';
import { finding, type Analyzer } from '../analyzer.ts';

type Rule = TypedResource<'DestinationRule'>;
type Tls = TrafficPolicy['tls'];

/** Outbound TLS that does not say whose certificates to trust. */
export const caCertificates: Analyzer = {
  name: 'destinationrule.CaCertificateAnalyzer',
  codes: ['IST0128', 'IST0129'],
  run: ({ resources }) => ofKind(resources, 'DestinationRule').flatMap((rule) => {
    const policy = rule.spec.trafficPolicy;
    const path = ['spec', 'trafficPolicy'];
    return [
      ...unverified(rule, policy?.tls, [...path, 'tls'], 'IST0128'),
      ...(policy?.portLevelSettings ?? []).flatMap(({ tls }, index) => unverified(rule, tls, [...path, 'portLevelSettings', index, 'tls'], 'IST0129')),
    ];
  }),
};

function unverified(rule: Rule, tls: Tls, path: readonly (string | number)[], code: string): readonly Diagnostic[] {
  if (tls === undefined || (tls.mode !== 'SIMPLE' && tls.mode !== 'MUTUAL')) return [];
  const fromSecret = tls.credentialName !== '' && rule.spec.workloadSelector !== undefined;
  if (tls.caCertificates !== '' || fromSecret || tls.insecureSkipVerify === true) return [];
  const why = tls.credentialName === '' ? 'caCertificates is not set' : 'sidecars read credentialName only in rules with a workloadSelector';
  return [finding(rule, path, { code, level: 'warning', message: `Mode ${tls.mode} does not check the certificate of ${rule.spec.host} against an authority of yours: ${why}.`, help: 'Set caCertificates.' })];
}
