import { describe, expect, test } from 'vitest';
import { installation, parseManifests, validate, withInstalled } from '../../src/manifest/index.ts';
import { gatewayPorts } from '../../src/core/pods/gateway.ts';

const gateway = 'apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: { name: g }\nspec: { selector: { istio: ingressgateway }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }] }\n';
const written = (spec: string) => parseManifests([{ path: 'a.yaml', text: `apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: { name: i, namespace: istio-system }\nspec: ${spec}\n---\n${gateway}` }]);
const read = (spec: string) => written(spec).resources;

/** What is said of the profile. */
const said = (spec: string) => {
  const { resources, diagnostics } = written(spec);
  return [...diagnostics, ...resources.flatMap((resource) => validate(resource))].filter(({ path }) => path === 'spec.profile');
};

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

  test.each([['ambient', 'no ambient mode'], ['openshift-ambient', 'no ambient mode'], ['remote', 'one cluster']])('names the profile %s as one that a lab does not run, at its line', (profile, why) => {
    expect(said(`{ profile: ${profile} }`)).toMatchObject([{ code: 'WEFT0007', line: 4, message: expect.stringContaining(why) as string }]);
  });

  test.each(['default', 'demo', 'minimal', 'empty', 'preview'])('says nothing of the profile %s', (profile) => {
    expect(said(`{ profile: ${profile} }`)).toEqual([]);
  });
});
