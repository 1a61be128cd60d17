import { randomBytes, randomUUID } from 'node:crypto';
import { LabFailure, ports, type DrainSettings, type SidecarSettings } from '../../contract/index.ts';
import { ofKind, trustDomainOf, type PodTemplate, type Resource } from '../../manifest/index.ts';
import type { ImageChoice } from './choose-images.ts';
import { configData } from './config-data.ts';
import { trustDomain, type LabRecord } from './control-plane.ts';
import type { Desired } from './desired.ts';
import type { PodIdentity } from './environment.ts';
import { declaredPorts, publishPorts } from './gateway.ts';
import type { ExistingPod } from './inventory.ts';
import { safeName, sha256, type PodFacts } from './labels.ts';
import { podName, templateHash } from './names.ts';
import type { LabNetwork } from './network.ts';
import { containerFacts, planPod, type PodPlan } from './plan.ts';
import { proxySettings } from './proxy-settings.ts';
import type { Missing } from './reconcile.ts';
import type { PodToStart } from './start-pod.ts';
import { freeAddresses } from './subnet.ts';

/** A pod with name, address, token and plan; with a failure when its plan cannot be made. */
export interface ComposedPod {
  /** `namespace/name`. */
  readonly name: string;
  readonly start: PodToStart;
  readonly failure?: LabFailure;
}

/** What composing needs. */
export interface ComposeInputs {
  readonly lab: string;
  readonly network: LabNetwork;
  readonly record: LabRecord;
  readonly runtime: string;
  readonly resources: readonly Resource[];
  readonly images: ReadonlyMap<string, ImageChoice>;
  readonly existing: readonly ExistingPod[];
  readonly isFree?: ((port: number) => Promise<boolean>) | undefined;
}

/** Records a second that a proxy sends in full before it samples. */
const recordsPerSecond = 500;

/** Gives each missing pod its name, address, token and plan. */
export async function composePods(missing: readonly Missing[], inputs: ComposeInputs): Promise<readonly ComposedPod[]> {
  const addresses = freeAddresses(inputs.network, inputs.existing.map(({ facts }) => facts.ip));
  const names = new Set(inputs.existing.map(({ name }) => name));
  const published = await publishAll(missing.map(({ desired }) => desired), inputs);
  return missing.map(({ desired, ordinal }) => {
    const name = nameOf(desired, ordinal, names);
    names.add(`${desired.namespace}/${name}`);
    const ip = desired.template?.spec.hostNetwork === true ? inputs.network.gateway : addresses.next().value;
    if (typeof ip !== 'string') throw new LabFailure('internal', 'The lab’s network has no address left.', { help: 'Remove pods, or start another lab.' });
    return composePod(desired, name, ip, published.get(desired) ?? [], inputs);
  });
}

/** The published ports of each gateway; the first one gets the nice numbers. */
async function publishAll(groups: readonly Desired[], { resources, isFree }: ComposeInputs): Promise<ReadonlyMap<Desired, PodToStart['publish']>> {
  const published = new Map<Desired, PodToStart['publish']>();
  const nowhere = (): Promise<boolean> => Promise.resolve(false);
  for (const desired of new Set(groups.filter(({ ports: opened }) => opened.length > 0))) {
    published.set(desired, await publishPorts(desired.ports, declaredPorts(resources), published.size === 0 ? isFree : nowhere));
  }
  return published;
}

/** A name that no pod has: by template and number, with another suffix while the old one still runs. StatefulSet pods and bare ones keep theirs. */
function nameOf(desired: Desired, ordinal: number, names: ReadonlySet<string>): string {
  const kind = desired.template?.kind ?? 'Deployment';
  safeName(desired.namespace, 'The namespace');
  for (let attempt = 0; ; attempt++) {
    const name = podName(kind, desired.workload, templateHash(desired.hash), ordinal, attempt);
    if (kind === 'Pod' || kind === 'StatefulSet' || !names.has(`${desired.namespace}/${name}`)) return name;
  }
}

function composePod(desired: Desired, name: string, ip: string, publish: PodToStart['publish'], inputs: ComposeInputs): ComposedPod {
  const { template } = desired;
  const labels = podLabelsOf(desired, name);
  const token = randomBytes(32).toString('base64url');
  const identity: PodIdentity = { name, namespace: desired.namespace, uid: randomUUID(), ip, hostIp: inputs.network.gateway, serviceAccount: desired.serviceAccount, labels, annotations: desired.annotations };
  let plan: PodPlan | undefined;
  let failure: LabFailure | undefined;
  if (template !== undefined && desired.kind === 'workload') {
    try {
      plan = planPod(template, { pod: identity, data: configData(inputs.resources), images: inputs.images, runtime: inputs.runtime, sidecar: desired.sidecar });
    } catch (error) {
      if (!(error instanceof LabFailure)) throw error;
      failure = error;
    }
  }
  const commands = (plan?.probes ?? []).filter(({ action }) => 'exec' in action);
  const facts: PodFacts = {
    name, namespace: desired.namespace, ip, labels, annotations: desired.annotations, serviceAccount: desired.serviceAccount, workload: desired.workload,
    ports: template?.spec.containers.flatMap((container) => container.ports.filter(({ protocol }) => protocol !== 'SCTP').map((port) => ({ ...(port.name === '' ? {} : { name: port.name }), port: port.containerPort, protocol: port.protocol === 'UDP' ? 'UDP' as const : 'TCP' as const }))) ?? [],
    sidecar: desired.sidecar, kind: desired.kind, tokenHash: desired.sidecar ? sha256(token) : '',
    containers: template === undefined || desired.kind === 'gateway' ? [] : containerFacts(template, inputs.images),
    ...(commands.length === 0 ? {} : { commands }),
  };
  const proxy = proxySettings(desired, inputs.resources);
  const start: PodToStart = {
    lab: inputs.lab, network: inputs.network, runtime: inputs.runtime, facts, hash: desired.hash, plan,
    sidecar: desired.sidecar ? sidecarSettings(desired, identity, token, plan, proxy.drain, inputs) : undefined,
    hold: proxy.holdApplication,
    aliases: aliasesOf(identity, template, inputs.resources), hostname: template?.spec.hostname === undefined || template.spec.hostname === '' ? name : safeName(template.spec.hostname, 'The host name'),
    publish, hostNetwork: template?.spec.hostNetwork === true,
    ...(template?.spec.hostPID === true || template?.spec.hostIPC === true ? { hostNamespaces: { pid: template.spec.hostPID, ipc: template.spec.hostIPC } } : {}),
  };
  return { name: `${desired.namespace}/${name}`, start, ...(failure === undefined ? {} : { failure }) };
}

/** The template's labels and those that Kubernetes' controllers add. */
function podLabelsOf({ template, labels, hash }: Desired, name: string): Readonly<Record<string, string>> {
  if (template?.kind === 'StatefulSet') return { ...labels, 'statefulset.kubernetes.io/pod-name': name };
  return template?.kind === 'Pod' ? labels : { ...labels, 'pod-template-hash': templateHash(hash) };
}

function sidecarSettings(desired: Desired, pod: PodIdentity, token: string, plan: PodPlan | undefined, drain: DrainSettings, { network, record, resources }: ComposeInputs): SidecarSettings {
  const type = desired.kind === 'gateway' ? 'router' : 'sidecar';
  return {
    node: `${type}~${pod.ip}~${pod.name}.${pod.namespace}~${pod.namespace}.svc.cluster.local`, proxy: `${pod.namespace}/${pod.name}`, type, ip: pod.ip, namespace: pod.namespace,
    serviceAccount: pod.serviceAccount, workload: desired.workload, labels: pod.labels, trustDomain: trustDomainOf(resources) ?? trustDomain, domainSuffix: 'cluster.local',
    controlPlane: { host: network.controlPlane, port: ports.controlPlane }, token, roots: record.root, probes: plan?.probes ?? [], recordsPerSecond, drain,
  };
}

/** Names by which pods without a sidecar find this one: those of the services that select it, and its own in a headless service. Short ones follow from the search domains. */
function aliasesOf({ namespace, labels, name }: PodIdentity, template: PodTemplate | undefined, resources: readonly Resource[]): readonly string[] {
  const services = ofKind(resources, 'Service').filter(({ metadata, spec }) => {
    const selector = Object.entries(spec.selector);
    return metadata.namespace === namespace && selector.length > 0 && selector.every(([key, value]) => labels[key] === value);
  });
  const own = template?.spec.subdomain === undefined || template.spec.subdomain === '' ? template?.resource : undefined;
  const headless = services.filter(({ spec }) => spec.clusterIP === 'None' && own?.kind === 'StatefulSet').map(({ metadata }) => `${name}.${metadata.name}.${namespace}`);
  return [...services.map(({ metadata }) => `${metadata.name}.${namespace}`), ...headless].flatMap((host) => [host, `${host}.svc`, `${host}.svc.cluster.local`]);
}
