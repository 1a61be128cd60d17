import { expect, it } from 'vitest';
import { analyze } from '../../src/analyze/index.ts';
import { parseManifests } from '../../src/manifest/index.ts';

const pod = (name: string, labels: string, annotations = '{}'): string => `apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: shop, labels: ${labels}, annotations: ${annotations} }
spec: { containers: [{ name: app, image: app }] }`;
const policy = (selector: string, rules = '[{ to: [{ operation: { methods: [GET] } }] }]', namespace = 'shop'): string => `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: p, namespace: ${namespace} }
spec: { selector: ${selector}, rules: ${rules} }`;
const gateway = (name: string, credential: string, selector = '{ istio: ingressgateway }'): string => `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: ${name}, namespace: istio-system }
spec:
  selector: ${selector}
  servers:
  - { hosts: ["${name}.example.com"], port: { number: 443, name: https-${name}, protocol: HTTPS }, tls: { mode: SIMPLE, credentialName: ${credential} } }`;
const claimRoute = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: v, namespace: istio-system }
spec:
  hosts: ["a.example.com"]
  gateways: [a]
  http:
  - match: [{ headers: { "@request.auth.claims.group": { exact: admin } } }]
    directResponse: { status: 200 }`;
const requestAuthentication = `apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: r, namespace: istio-system }
spec: { selector: { matchLabels: { istio: ingressgateway } }, jwtRules: [{ issuer: me, jwks: '{"keys":[]}' }] }`;
const service = (annotations: string): string => `apiVersion: v1
kind: Service
metadata:
  name: web
  annotations: ${annotations}
spec: { ports: [{ name: http, port: 80 }] }`;
const telemetry = (logging: string): string => `apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: { name: t }
spec: { accessLogging: [${logging}] }`;
const route = (match: string): string => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: v }
spec:
  hosts: ["a.example.com"]
  http:
  - match: [${match}]
    directResponse: { status: 200 }`;

/** The findings with one of the codes, as `CODE resource path`. */
function find(texts: readonly string[], codes: string, options: { readonly cluster?: boolean; readonly mesh?: { readonly logProviders: readonly string[] } } = {}): readonly string[] {
  const { resources } = parseManifests([{ path: 'test.yaml', text: texts.join('\n---\n') }]);
  return analyze({ resources, ...options }).filter(({ code }) => codes.split(' ').includes(code)).map(({ code, resource, path }) => `${code} ${resource ?? ''} ${path ?? ''}`);
}

it.each<[string, readonly string[], string, readonly string[]]>([
  ['a policy for pods that are there', [pod('web', '{ app: web }'), policy('{ matchLabels: { app: web } }')], 'IST0127', []],
  ['a policy for pods that are not', [pod('web', '{ app: web }'), policy('{ matchLabels: { app: wbe } }')], 'IST0127', ['IST0127 AuthorizationPolicy shop/p spec.selector']],
  ['a policy for pods of another namespace', [pod('web', '{ app: web }'), policy('{ matchLabels: { app: web } }', undefined, 'default')], 'IST0127', ['IST0127 AuthorizationPolicy default/p spec.selector']],
  ['a policy of the root namespace', [pod('web', '{ app: web }'), policy('{ matchLabels: { app: web } }', undefined, 'istio-system')], 'IST0127', []],
  ['a policy for the lab’s ingress gateway', [policy('{ matchLabels: { istio: ingressgateway } }', undefined, 'istio-system')], 'IST0127', []],
  ['callers from a namespace that is not there', [pod('web', '{ app: web }'), policy('{ matchLabels: { app: web } }', '[{ from: [{ source: { namespaces: [shop, "sh*", "*", shpo] } }] }]')], 'IST0101', ['IST0101 AuthorizationPolicy shop/p spec.rules[0].from[0].source.namespaces[3]']],
  ['one certificate in two Gateways', [gateway('a', 'cert'), gateway('b', 'cert'), gateway('c', 'other')], 'IST0138', ['IST0138 Gateway istio-system/a spec.servers', 'IST0138 Gateway istio-system/b spec.servers']],
  ['one certificate on different pods', [gateway('a', 'cert'), gateway('b', 'cert', '{ istio: egressgateway }')], 'IST0138', []],
  ['a route by claims that nobody verifies', [gateway('a', 'cert'), claimRoute], 'IST0149', ['IST0149 VirtualService istio-system/v spec.http[0].match[0].headers["@request.auth.claims.group"]']],
  ['a route by claims that are verified', [gateway('a', 'cert'), claimRoute, requestAuthentication], 'IST0149', []],
  ['a selector for a gateway of the Gateway API', [
    'apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: { name: front, namespace: shop }\nspec: { gatewayClassName: istio, listeners: [{ name: http, port: 80, protocol: HTTP }] }',
    policy('{ matchLabels: { gateway.networking.k8s.io/gateway-name: front } }'),
  ], 'IST0166', ['IST0166 AuthorizationPolicy shop/p spec.selector']],
  ['an annotation that Istio does not know', [service('{ networking.istio.io/exportTwo: x }')], 'IST0107 IST0108', ['IST0108 Service default/web metadata.annotations["networking.istio.io/exportTwo"]']],
  ['an annotation of somebody else', [service('{ prometheus.io/scrape: "true", notistio.example/x: y }')], 'IST0107 IST0108', []],
  ['an annotation where nobody reads it', [service('{ proxy.istio.io/config: "{}" }')], 'IST0107 IST0108', ['IST0107 Service default/web metadata.annotations["proxy.istio.io/config"]']],
  ['a value that is of no use', [pod('web', '{ app: web }', '{ sidecar.istio.io/inject: "yes please" }')], 'IST0125', ['IST0125 Pod shop/web metadata.annotations["sidecar.istio.io/inject"]']],
  ['a finding that the resource does not want to hear of', [service('{ networking.istio.io/exportTwo: x, galley.istio.io/analyze-suppress: "IST0101, IST0108" }')], 'IST0107 IST0108', []],
])('%s', (_what, texts, codes, expected) => {
  expect(find(texts, codes)).toEqual(expected);
});

it('judges a Deployment and its pods each by what they take', () => {
  const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web, annotations: { sidecar.istio.io/proxyCPU: 100m } }
spec: { template: { metadata: { annotations: { sidecar.istio.io/proxyCPU: 100m, networking.istio.io/exportTo: "*" } }, spec: { containers: [{ name: app, image: app }] } } }`;
  expect(find([deployment], 'IST0107')).toEqual(['IST0107 Deployment default/web metadata.annotations["sidecar.istio.io/proxyCPU"]', 'IST0107 Deployment default/web spec.template.metadata.annotations["networking.istio.io/exportTo"]']);
});

it.each<[string, readonly string[], string, readonly string[]]>([
  ['annotations that are deprecated or alpha', [pod('web', '{ app: web }', '{ sidecar.istio.io/discoveryAddress: "a:1", sidecar.istio.io/proxyCPU: 100m, proxy.istio.io/config: "{}" }')], 'IST0135 IST0136', [
    'IST0135 Pod shop/web metadata.annotations["sidecar.istio.io/discoveryAddress"]', 'IST0136 Pod shop/web metadata.annotations["sidecar.istio.io/proxyCPU"]',
  ]],
  ['a range that captures nothing', [pod('web', '{ app: web }', '{ traffic.sidecar.istio.io/includeOutboundIPRanges: "10.0.0.0/33" }')], 'IST0125', ['IST0125 Pod shop/web metadata.annotations["traffic.sidecar.istio.io/includeOutboundIPRanges"]']],
  ['expressions that RE2 cannot read', [route('{ uri: { regex: "[A-Z" }, headers: { x: { regex: "a+" }, z: { regex: "(?=a)" } } }')], 'IST0122', ['IST0122 VirtualService default/v spec.http[0].match[0].uri.regex', 'IST0122 VirtualService default/v spec.http[0].match[0].headers.z.regex']],
  ['access logs that go nowhere', [telemetry('{}, { disabled: true }, { providers: [{ name: envoy }] }')], 'IST0157', ['IST0157 Telemetry default/t spec.accessLogging[0]']],
])('in a cluster: %s', (_what, texts, codes, expected) => {
  expect(find(texts, codes, { cluster: true })).toEqual(expected);
  expect(find(texts, codes)).toEqual([]);
});

it('a mesh with a default provider logs', () => {
  expect(find([telemetry('{}')], 'IST0157', { cluster: true, mesh: { logProviders: ['envoy'] } })).toEqual([]);
});
