import { ofKind } from './guards.ts';
import { parseManifests } from './parse.ts';
import { podTemplates } from './pod-templates.ts';
import type { Resource } from './types.ts';

const egressLabels: Readonly<Record<string, string>> = { app: 'istio-egressgateway', istio: 'egressgateway' };

/** Istio's egress gateway: names, labels and ports of its installation. */
const egressGateway = `
apiVersion: v1
kind: Service
metadata:
  name: istio-egressgateway
  namespace: istio-system
  labels: { app: istio-egressgateway, istio: egressgateway }
spec:
  selector: { app: istio-egressgateway, istio: egressgateway }
  ports:
  - { name: http2, port: 80, targetPort: 8080 }
  - { name: https, port: 443, targetPort: 8443 }
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: istio-egressgateway
  namespace: istio-system
  labels: { app: istio-egressgateway, istio: egressgateway }
spec:
  selector:
    matchLabels: { app: istio-egressgateway, istio: egressgateway }
  template:
    metadata:
      annotations: { inject.istio.io/templates: gateway }
      labels: { app: istio-egressgateway, istio: egressgateway, sidecar.istio.io/inject: "true" }
    spec:
      serviceAccountName: istio-egressgateway-service-account
      containers:
      - name: istio-proxy
        image: auto
`;

/**
 * Manifests, and what a lab installs for them by itself: Istio's egress gateway, when a Gateway chooses it and the manifests deploy none.
 * Source: istio.io, "Egress Gateways".
 */
export function withInstalled(resources: readonly Resource[]): readonly Resource[] {
  const chosen = ofKind(resources, 'Gateway').some(({ spec }) => isEgress(spec.selector));
  if (!chosen || podTemplates(resources).some(({ labels }) => labels['istio'] === egressLabels['istio'])) return resources;
  const written = new Set(resources.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`));
  const { resources: installed } = parseManifests([{ path: 'istio-egressgateway (installed by the lab)', text: egressGateway }]);
  return [...resources, ...installed.filter(({ kind, metadata }) => !written.has(`${kind} ${metadata.namespace}/${metadata.name}`))];
}

function isEgress(selector: Readonly<Record<string, string>>): boolean {
  const entries = Object.entries(selector);
  return entries.length > 0 && entries.every(([name, value]) => egressLabels[name] === value);
}
