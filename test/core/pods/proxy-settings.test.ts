import { expect, it } from 'vitest';
import { proxySettings } from '../../../src/core/pods/proxy-settings.ts';
import { parseManifests } from '../../../src/manifest/index.ts';

const resources = (text: string): Parameters<typeof proxySettings>[1] => parseManifests([{ path: 'a.yaml', text }]).resources;
const owner = (annotation?: string): Parameters<typeof proxySettings>[0] => ({ namespace: 'shop', labels: { app: 'cart' }, annotations: annotation === undefined ? {} : { 'proxy.istio.io/config': annotation } });

const mesh = `apiVersion: v1
kind: ConfigMap
metadata: { name: istio, namespace: istio-system }
data:
  mesh: |
    defaultConfig:
      terminationDrainDuration: 20s
      drainDuration: 1m
      holdApplicationUntilProxyStarts: true
`;
const config = (name: string, namespace: string, value: string, selector = ''): string => `---
apiVersion: networking.istio.io/v1beta1
kind: ProxyConfig
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  ${selector}
  environmentVariables: { EXIT_ON_ZERO_ACTIVE_CONNECTIONS: "${value}" }
`;

it('has Istio’s defaults', () => {
  expect(proxySettings(owner(), [])).toEqual({ drain: { change: 45, termination: 5, untilNoConnections: false }, holdApplication: false });
});

it('takes what the mesh says, and over it what the pod’s annotation says', () => {
  expect(proxySettings(owner(), resources(mesh))).toEqual({ drain: { change: 60, termination: 20, untilNoConnections: false }, holdApplication: true });
  expect(proxySettings(owner('terminationDrainDuration: 1.5s\nholdApplicationUntilProxyStarts: false\nproxyMetadata:\n  EXIT_ON_ZERO_ACTIVE_CONNECTIONS: "true"\n'), resources(mesh)))
    .toEqual({ drain: { change: 60, termination: 1.5, untilNoConnections: true }, holdApplication: false });
});

it('takes the ProxyConfig that is closest to the workload', () => {
  const wide = config('wide', 'istio-system', 'true');
  const near = config('near', 'shop', 'false');
  const own = config('own', 'shop', 'true', 'selector: { matchLabels: { app: cart } }');
  const other = config('other', 'shop', 'false', 'selector: { matchLabels: { app: till } }');
  const until = (text: string): boolean => proxySettings(owner(), resources(text)).drain.untilNoConnections;
  expect([until(wide), until(wide + near), until(wide + near + own + other), until(config('elsewhere', 'other', 'true'))]).toEqual([true, false, true, false]);
});

it.each(['', 'not: [closed', '7', 'terminationDrainDuration: soon'])('keeps the defaults where the annotation is %j', (annotation) => {
  expect(proxySettings(owner(annotation), []).drain.termination).toBe(5);
});
