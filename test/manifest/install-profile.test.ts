import { describe, expect, test } from 'vitest';
import { installation, parseManifests, withInstalled } from '../../src/manifest/index.ts';
import { gatewayPorts } from '../../src/core/pods/gateway.ts';

const gateway = 'apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: { name: g }\nspec: { selector: { istio: ingressgateway }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }] }\n';
const read = (spec: string) => parseManifests([{ path: 'a.yaml', text: `apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: { name: i, namespace: istio-system }\nspec: ${spec}\n---\n${gateway}` }]).resources;

describe('an IstioOperator', () => {
  test.each([
    ['{}', true, []], ['{ profile: demo }', true, ['istio-egressgateway']], ['{ profile: minimal }', false, []], ['{ profile: empty }', false, []], ['{ profile: preview }', true, []],
    ['{ components: { ingressGateways: [{ name: istio-ingressgateway, enabled: false }] } }', false, []],
    ['{ profile: minimal, components: { egressGateways: [{ name: istio-egressgateway, enabled: true }] } }', false, ['istio-egressgateway']],
    ['{ profile: demo, components: { egressGateways: [{ name: istio-egressgateway, enabled: false }, { name: mine, enabled: true }, { name: other }] } }', true, ['mine']],
  ])('with %s installs its gateways', (spec, ingress, names) => {
    const found = installation(read(spec));
    expect([found?.ingress, found?.gateways.map(({ name }) => name)]).toEqual([ingress, names]);
    expect(gatewayPorts(read(spec)).length > 0).toBe(ingress);
  });

  test('says namespace, labels and ports of a gateway', () => {
    const all = withInstalled(read('{ profile: empty, components: { ingressGateways: [{ name: east, namespace: edge, enabled: true, label: { istio: east }, k8s: { service: { ports: [{ name: tls, port: 15443 }] } } }] } }'));
    expect(all.find(({ kind }) => kind === 'Service')).toMatchObject({ metadata: { name: 'east', namespace: 'edge' }, spec: { selector: { app: 'istio-ingressgateway', istio: 'east' }, ports: [{ name: 'tls', port: 15443 }] } });
    expect(all.find(({ kind }) => kind === 'Deployment')?.metadata).toMatchObject({ name: 'east', namespace: 'edge' });
  });
});
