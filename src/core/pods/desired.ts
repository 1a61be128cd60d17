import { managedGateways, type ManagedGateway } from '../../compile/index.ts';
import { consentNeeded, injected, ofKind, trustDomainOf, type PodTemplate, type Resource } from '../../manifest/index.ts';
import { LabFailure } from '../../contract/index.ts';
import type { ImageChoice } from './choose-images.ts';
import { gatewayPorts, ingressGateway } from './gateway.ts';
import { sha256 } from './labels.ts';

/** A group of equal pods that the manifests ask for. */
export interface Desired {
  readonly kind: 'workload' | 'gateway';
  readonly namespace: string;
  readonly workload: string;
  readonly serviceAccount: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly replicas: number;
  readonly sidecar: boolean;
  /** Absent for gateways that the lab deploys itself. */
  readonly template: PodTemplate | undefined;
  /** Ports of a gateway that are published on 127.0.0.1. */
  readonly ports: readonly number[];
  /** Of everything that the pods are made from. */
  readonly hash: string;
}

/** The pods that the manifests ask for: those of workloads, the ingress gateway when a Gateway selects it, and one for each Gateway of the Gateway API that is deployed by itself. */
export function desiredPods(resources: readonly Resource[], templates: readonly PodTemplate[], images: ReadonlyMap<string, ImageChoice>): readonly Desired[] {
  const namespaces = new Map(ofKind(resources, 'Namespace').map((namespace) => [namespace.metadata.name, namespace]));
  const workloads = templates.map((template) => fromTemplate(template, injected(template, namespaces.get(template.namespace)), resources, images));
  return [...ingress(resources), ...managedGateways(resources).map(managed), ...workloads].map(withTrustDomain(trustDomainOf(resources)));
}

/** Proxies are made anew with the trust domain of the mesh: their identities are of it. */
function withTrustDomain(trustDomain: string | undefined): (desired: Desired) => Desired {
  return (desired) => (trustDomain === undefined || !desired.sidecar ? desired : { ...desired, hash: sha256(JSON.stringify([desired.hash, trustDomain])) });
}

/** Images that the pods of these templates run. */
export function imagesOf(templates: readonly PodTemplate[]): readonly string[] {
  return [...new Set(templates.filter((template) => !isGateway(template)).flatMap(({ spec }) => [...spec.initContainers, ...spec.containers].map(({ image }) => image)))];
}

/** Gateways that users deploy themselves have Istio's template and an image that injection fills in. Source: istio.io, "Installing Gateways". */
export function isGateway({ annotations, spec }: Pick<PodTemplate, 'annotations' | 'spec'>): boolean {
  return annotations['inject.istio.io/templates'] === 'gateway' && spec.containers.some(({ image }) => image === 'auto');
}

/** Rejects with `consent-required` when a pod that is about to be made asks for something that the user has not agreed to. */
export function requireConsent(pods: readonly Desired[], consent: readonly string[]): void {
  const asked = pods.flatMap(({ template }) => (template === undefined ? [] : consentNeeded(template.resource))).filter(({ item }) => !consent.includes(item));
  if (asked.length === 0) return;
  const items = [...new Set(asked.map(({ item, why, file, line }) => `${item} (${why}; ${file}:${line})`))];
  throw new LabFailure('consent-required', `The manifests ask for what pods do not get by themselves: ${items.join('; ')}.`, { help: 'Agree to each item by name if you trust these manifests, or take it out.' });
}

function ingress(resources: readonly Resource[]): readonly Desired[] {
  const ports = gatewayPorts(resources);
  if (ports.length === 0) return [];
  const { workload, namespace, serviceAccount, labels } = ingressGateway;
  return [{ kind: 'gateway', namespace, workload, serviceAccount, labels, annotations: {}, replicas: 1, sidecar: true, template: undefined, ports, hash: sha256(JSON.stringify([workload, ports])) }];
}

function managed({ namespace, name, labels, annotations, ports }: ManagedGateway): Desired {
  return { kind: 'gateway', namespace, workload: name, serviceAccount: name, labels, annotations, replicas: 1, sidecar: true, template: undefined, ports, hash: sha256(JSON.stringify([namespace, name, labels, annotations, ports])) };
}

function fromTemplate(template: PodTemplate, sidecar: boolean, resources: readonly Resource[], images: ReadonlyMap<string, ImageChoice>): Desired {
  const { kind, workload, namespace, serviceAccount, labels, annotations, replicas, spec } = template;
  const gateway = isGateway(template);
  const chosen = imagesOf([template]).map((image) => {
    const choice = images.get(image);
    return choice?.kind === 'image' ? choice.info.id : choice?.kind === 'stand-in' ? choice.standIn.name : 'none';
  });
  const content = JSON.stringify([kind, workload, serviceAccount, labels, annotations, spec, sidecar, chosen, mounted(template, resources)]);
  return { kind: gateway ? 'gateway' : 'workload', namespace, workload, serviceAccount, labels, annotations, replicas, sidecar: sidecar || gateway, template, ports: [], hash: sha256(content) };
}

/** The ConfigMaps and Secrets that a pod refers to: with other contents it is made anew. */
function mounted({ namespace, spec }: PodTemplate, resources: readonly Resource[]): readonly unknown[] {
  const text = JSON.stringify(spec);
  return [...ofKind(resources, 'ConfigMap'), ...ofKind(resources, 'Secret')]
    .filter(({ metadata }) => metadata.namespace === namespace && text.includes(JSON.stringify(metadata.name)))
    .map(({ kind, metadata, spec: data }) => [kind, metadata.name, data]);
}
