import { ofKind } from './guards.ts';
import { collectorManifests } from './installed-collector.ts';
import { installation, type InstalledGateway } from './install-profile.ts';
import { parseManifests } from './parse.ts';
import { podTemplates } from './pod-templates.ts';
import type { Resource } from './types.ts';

const egressLabels: Readonly<Record<string, string>> = { app: 'istio-egressgateway', istio: 'egressgateway' };

const egressGateway: InstalledGateway = {
  name: 'istio-egressgateway', namespace: 'istio-system', labels: egressLabels, ports: [{ name: 'http2', port: 80, targetPort: 8080 }, { name: 'https', port: 443, targetPort: 8443 }],
};

/** The Service and Deployment of a gateway, as Istio installs them. JSON is YAML. */
function manifestOf({ name, namespace, labels, ports }: InstalledGateway): string {
  const metadata = { name, namespace, labels };
  const template = {
    metadata: { annotations: { 'inject.istio.io/templates': 'gateway' }, labels: { ...labels, 'sidecar.istio.io/inject': 'true' } },
    spec: { serviceAccountName: `${name}-service-account`, containers: [{ name: 'istio-proxy', image: 'auto' }] },
  };
  return [
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: labels, ports } },
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { selector: { matchLabels: labels }, template } },
  ].map((body) => JSON.stringify(body)).join('\n---\n');
}

/**
 * Manifests, and what a lab installs for them by itself: the gateways of an IstioOperator, or without one Istio's egress gateway, when a
 * Gateway chooses it and the manifests deploy none; Services for collectors of telemetry that are named and not deployed. Source: istio.io, "Egress Gateways" and "Installing Gateways".
 */
export function withInstalled(resources: readonly Resource[]): readonly Resource[] {
  const gateways = installation(resources)?.gateways ?? askedFor(resources);
  const collectors = collectorManifests(resources);
  if (gateways.length === 0 && collectors.length === 0) return resources;
  const written = new Set(resources.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`));
  const { resources: installed } = parseManifests([...gateways.map((gateway) => ({ path: `${gateway.name} (installed by the lab)`, text: manifestOf(gateway) })), ...collectors]);
  return [...resources, ...installed.filter(({ kind, metadata }) => !written.has(`${kind} ${metadata.namespace}/${metadata.name}`))];
}

function askedFor(resources: readonly Resource[]): readonly InstalledGateway[] {
  const chosen = ofKind(resources, 'Gateway').some(({ spec }) => isEgress(spec.selector));
  return chosen && !podTemplates(resources).some(({ labels }) => labels['istio'] === egressLabels['istio']) ? [egressGateway] : [];
}

function isEgress(selector: Readonly<Record<string, string>>): boolean {
  const entries = Object.entries(selector);
  return entries.length > 0 && entries.every(([name, value]) => egressLabels[name] === value);
}
