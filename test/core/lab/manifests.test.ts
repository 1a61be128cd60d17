import { expect, it } from 'vitest';
import { examine } from '../../../src/core/lab/manifests.ts';
import { servicesOf } from '../../../src/core/lab/services.ts';

const text = `apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { tier: front }, ports: [{ name: http, port: 80 }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: shop-v1 }
spec:
  selector: { matchLabels: { app: shop } }
  template:
    metadata:
      labels: { app: shop, tier: front, version: v1 }
      annotations:
        traffic.sidecar.istio.io/excludeOutboundPorts: "3306,http"
    spec: { containers: [{ name: shop, image: shop }] }
`;

it('finds annotations of traffic capture that no rules can be made of, where they stand', () => {
  const found = examine([{ path: 'shop.yaml', text }]).diagnostics.filter(({ message }) => message.startsWith('Traffic capture'));
  expect(found).toHaveLength(1);
  expect(found[0]).toMatchObject({ level: 'error', file: 'shop.yaml', resource: 'Deployment default/shop-v1' });
  expect(found[0]?.message).toContain('excludeOutboundPorts: "http" is not a port');
  expect([14, 15]).toContain(found[0]?.line);
  expect(examine([{ path: 'shop.yaml', text: text.replace(',http', '') }]).diagnostics.filter(({ message }) => message.startsWith('Traffic capture'))).toEqual([]);
});

it('knows a service’s workloads by the pods that it selects, not by its name', () => {
  expect(servicesOf(examine([{ path: 'shop.yaml', text }]).resources, [])).toMatchObject([{ name: 'web', apps: ['shop'], versions: ['v1'] }]);
});
