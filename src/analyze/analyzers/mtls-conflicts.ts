import { hostsOverlap } from '../../compile/index.ts';
import { ofKind, type Diagnostic, type PodTemplate, type TypedResource } from '../../manifest/index.ts';
import { finding, selects, type Analysis, type Analyzer } from '../analyzer.ts';

type Rule = TypedResource<'DestinationRule'>;

/** Callers that are told to speak plaintext to workloads that only accept mTLS, or the other way round. */
export const mtlsConflicts: Analyzer = {
  name: 'authn.MTLSConflictAnalyzer',
  codes: ['IST0113'],
  run: (analysis) => ofKind(analysis.resources, 'DestinationRule').flatMap((rule) => {
    const host = analysis.registry.resolve(rule.spec.host, rule.metadata.namespace);
    const services = analysis.registry.services.filter(({ metadata }) => hostsOverlap(analysis.registry.resolve(metadata.name, metadata.namespace), host));
    return services.flatMap((service) => check(rule, service, analysis) ?? []).slice(0, 1);
  }),
};

function check(rule: Rule, service: TypedResource<'Service'>, analysis: Analysis): Diagnostic | undefined {
  const policy = rule.spec.trafficPolicy;
  for (const port of service.spec.ports) {
    const level = (policy?.portLevelSettings ?? []).findIndex((settings) => settings.port?.number === port.port);
    const settings = policy?.portLevelSettings[level];
    const tls = settings?.tls ?? policy?.tls;
    if (tls === undefined) continue;
    const path = settings?.tls === undefined ? ['spec', 'trafficPolicy', 'tls', 'mode'] : ['spec', 'trafficPolicy', 'portLevelSettings', level, 'tls', 'mode'];
    for (const pod of analysis.registry.podsOf(service)) {
      const mode = acceptedMode(pod, targetPort(port, pod), analysis);
      const refused = (mode === 'STRICT' && tls.mode !== 'ISTIO_MUTUAL') || (mode === 'DISABLE' && tls.mode === 'ISTIO_MUTUAL');
      if (!refused) continue;
      const accepts = mode === 'STRICT' ? 'only accepts mTLS (PeerAuthentication STRICT)' : 'only accepts plaintext (PeerAuthentication DISABLE)';
      return finding(rule, path, { code: 'IST0113', level: 'error', message: `${pod.workload} ${accepts} on port ${port.port}, but callers of ${rule.spec.host} are told to use ${tls.mode}, so their connections fail.`, help: mode === 'STRICT' ? 'Remove the tls setting (mTLS is automatic), or use ISTIO_MUTUAL.' : 'Remove the tls setting, or accept mTLS.' });
    }
  }
  return undefined;
}

function targetPort({ port, targetPort: target }: TypedResource<'Service'>['spec']['ports'][number], { spec }: PodTemplate): number {
  if (target === undefined) return port;
  if (typeof target === 'number') return target;
  return spec.containers.flatMap(({ ports }) => ports).find(({ name }) => name === target)?.containerPort ?? port;
}

type Mode = 'UNSET' | 'DISABLE' | 'PERMISSIVE' | 'STRICT';

/** What a workload accepts on a port: its own policy, else its namespace's, else the mesh's; the oldest of each. */
function acceptedMode(pod: PodTemplate, port: number, { resources, rootNamespace }: Analysis): Mode {
  const policies = ofKind(resources, 'PeerAuthentication');
  const labelsOf = (policy: (typeof policies)[number]): Readonly<Record<string, string>> => policy.spec.selector?.matchLabels ?? {};
  const plain = (namespace: string): (typeof policies)[number] | undefined => policies.find((policy) => policy.metadata.namespace === namespace && Object.keys(labelsOf(policy)).length === 0);
  const own = policies.find((policy) => policy.metadata.namespace === pod.namespace && selects(labelsOf(policy), pod.labels));
  const candidates: readonly (Mode | undefined)[] = [own?.spec.portLevelMtls[String(port)]?.mode, own?.spec.mtls?.mode, plain(pod.namespace)?.spec.mtls?.mode, plain(rootNamespace)?.spec.mtls?.mode];
  return candidates.find((mode) => mode !== undefined && mode !== 'UNSET') ?? 'PERMISSIVE';
}
