import type { VerifiedTls } from '../../features/mtls/compile.ts';
import { ofKind, type BackendTLSPolicy, type Resource, type TypedResource } from '../../manifest/index.ts';
import { bundleOf } from './authorities.ts';
import { oldestFirst } from './precedence.ts';
import { groups, inNamespaceOf, type Problem, type References } from './references.ts';

type Policy = TypedResource<'BackendTLSPolicy'>;
type Target = BackendTLSPolicy['targetRefs'][number];

/** How gateways connect to a port of a service by TLS; `undefined` where no authority is to be trusted, so that connections must fail. */
export interface BackendTls {
  readonly verified: Omit<VerifiedTls, 'certificate' | 'protocol'> | undefined;
}

/** What policies say of a service, by port; 0 is for all ports that none of them names. */
export type ServiceTls = ReadonlyMap<number, BackendTls>;

/** A policy, judged: what it says, of which services, and what is wrong with it. */
export interface JudgedPolicy {
  readonly resource: Policy;
  readonly tls: BackendTls;
  /** The services and ports that follow it. */
  readonly targets: readonly { readonly host: string; readonly port: number }[];
  /** The services that it names, as `namespace/name`. */
  readonly named: readonly string[];
  readonly refused?: Problem;
  readonly unresolved?: Problem;
}

/** Judges all policies: of several for the same target, the oldest counts. Source: gateway-api.sigs.k8s.io, BackendTLSPolicy. */
export function judgePolicies(resources: readonly Resource[], found: References): readonly JudgedPolicy[] {
  const taken = new Map<string, Policy>();
  return oldestFirst(ofKind(resources, 'BackendTLSPolicy')).map((resource) => {
    const targets = resource.spec.targetRefs.map((target) => judgeTarget(resource, target, taken, found));
    const { verified, refused, unresolved } = validationOf(resource, found);
    const problems = targets.flatMap(({ problem: one }) => one ?? []);
    const problem = refused ?? problems.find(({ reason }) => reason === 'Conflicted') ?? problems[0];
    return {
      resource, tls: { verified },
      targets: targets.flatMap((target) => (target.problem === undefined ? [target] : [])),
      named: resource.spec.targetRefs.map(({ name }) => `${resource.metadata.namespace}/${name}`),
      ...(problem === undefined ? {} : { refused: problem }), ...(unresolved === undefined ? {} : { unresolved }),
    };
  });
}

type JudgedTarget = { readonly host: string; readonly port: number; readonly problem?: undefined } | { readonly problem: Problem };

function judgeTarget(policy: Policy, { group, kind, name, sectionName }: Target, taken: Map<string, Policy>, found: References): JudgedTarget {
  const { metadata } = policy;
  const missing = (message: string): JudgedTarget => ({ problem: { reason: 'TargetNotFound', message } });
  if (group !== groups.core || kind !== 'Service') return missing(`Policies are followed for Services, not for ${kind}${group === '' ? '' : ` (${group})`}.`);
  const service = found.service(metadata.namespace, name);
  if (service === undefined) return missing(`There is no Service ${metadata.namespace}/${name}.`);
  const port = sectionName === '' ? 0 : service.spec.ports.find((candidate) => candidate.name === sectionName)?.port;
  if (port === undefined) return missing(`Service ${metadata.namespace}/${name} has no port ${sectionName}.`);
  const key = `${metadata.namespace}/${name} ${port}`;
  const older = taken.get(key);
  if (older !== undefined) return { problem: { reason: 'Conflicted', message: `The older BackendTLSPolicy ${older.metadata.namespace}/${older.metadata.name} is for the same Service${sectionName === '' ? '' : ` and port`}.` } };
  taken.set(key, policy);
  return { host: `${name}.${metadata.namespace}.svc.${found.domainSuffix}`, port };
}

interface Validation {
  readonly verified: BackendTls['verified'];
  readonly refused?: Problem;
  readonly unresolved?: Problem;
}

/** Whom to trust, and by which names. Of several bundles those that are there count together; without any, nobody is trusted. */
function validationOf(policy: Policy, found: References): Validation {
  const { caCertificateRefs, wellKnownCACertificates, hostname, subjectAltNames } = policy.spec.validation;
  const names: VerifiedTls['names'] = subjectAltNames.length === 0 ? [{ type: 'DNS', value: hostname }] : subjectAltNames.map(({ type, hostname: name, uri }) => (type === 'URI' ? { type, value: uri } : { type: 'DNS', value: name }));
  if (caCertificateRefs.length === 0) {
    if (wellKnownCACertificates === 'System') return { verified: { authority: 'file-root:system', sni: hostname, names } };
    return { verified: undefined, refused: { reason: 'Invalid', message: `“${wellKnownCACertificates}” is not a set of well-known authorities.` } };
  }
  const bundles = caCertificateRefs.map((reference) => bundleOf(policy, inNamespaceOf(policy, { ...reference, namespace: '' }), found, { kind: 'InvalidKind', missing: 'InvalidCACertificateRef' }));
  const unresolved = bundles.find((bundle) => 'problem' in bundle)?.problem;
  const secrets = bundles.flatMap((bundle) => ('secret' in bundle ? [bundle.secret] : []));
  if (secrets.length === 0) return { verified: undefined, refused: { reason: 'NoValidCACertificate', message: unresolved?.message ?? '' }, ...(unresolved === undefined ? {} : { unresolved }) };
  return { verified: { authority: secrets.join('+'), sni: hostname, names }, ...(unresolved === undefined ? {} : { unresolved }) };
}

/** What policies say, by host of the service. */
export function serviceTls(policies: readonly JudgedPolicy[]): ReadonlyMap<string, ServiceTls> {
  const hosts = new Map<string, Map<number, BackendTls>>();
  for (const { targets, tls } of policies) for (const { host, port } of targets) hosts.set(host, (hosts.get(host) ?? new Map<number, BackendTls>()).set(port, tls));
  return hosts;
}
