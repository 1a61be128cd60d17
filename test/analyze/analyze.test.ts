import { describe, expect, it } from 'vitest';
import { analyze } from '../../src/analyze/index.ts';
import { parseManifests } from '../../src/manifest/index.ts';

const mesh = `
apiVersion: v1
kind: Service
metadata: { name: reviews }
spec: { selector: { app: reviews }, ports: [{ name: http, port: 9080 }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: reviews-v1 }
spec: { template: { metadata: { labels: { app: reviews, version: v1 } }, spec: { containers: [{ name: app, image: reviews, ports: [{ containerPort: 9080 }] }] } } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: reviews-v2 }
spec: { template: { metadata: { labels: { app: reviews, version: v2 } }, spec: { containers: [{ name: app, image: reviews, ports: [{ containerPort: 9080 }] }] } } }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews }
spec: { host: reviews, subsets: [{ name: v1, labels: { version: v1 } }] }
`;

const istio = (kind: string, name: string, spec: string, group = 'networking'): string => `apiVersion: ${group}.istio.io/v1\nkind: ${kind}\nmetadata: { name: ${name} }\nspec:\n${spec}`;
const route = (destination: string, extra = ''): string => `  hosts: [reviews]\n${extra}  http:\n  - route:\n    - destination: ${destination}`;

/** Findings of what stands on top of the mesh above: `level CODE line`. */
function find(text: string): readonly string[] {
  const { resources } = parseManifests([{ path: 'mesh.yaml', text: mesh }, { path: 'test.yaml', text }]);
  return analyze({ resources }).map(({ level, code, file, line }) => `${level} ${code} ${file}:${line}`);
}

describe('in a lab', () => {
  it.each([
    ['a good rule', istio('VirtualService', 'a', route('{ host: reviews, subset: v1 }')), []],
    ['an unknown host', istio('VirtualService', 'a', route('{ host: reviws }')), ['error IST0101 test.yaml:8']],
    ['an unknown port', istio('VirtualService', 'a', route('{ host: reviews, port: { number: 80 } }')), ['error IST0101 test.yaml:8']],
    ['an undefined subset', istio('VirtualService', 'a', route('{ host: reviews, subset: v9 }')), ['error IST0101 test.yaml:8']],
    ['a missing gateway', istio('VirtualService', 'a', route('{ host: reviews }', '  gateways: [front]\n')), ['error IST0101 test.yaml:6']],
    ['two rules for one host', `${istio('VirtualService', 'a', route('{ host: reviews }'))}\n---\n${istio('VirtualService', 'b', route('{ host: reviews }'))}`, ['error IST0109 test.yaml:5', 'error IST0109 test.yaml:14']],
    ['a gateway without a pod', istio('Gateway', 'g', '  selector: { istio: ingresgateway }\n  servers: [{ hosts: ["*"], port: { number: 80, name: http, protocol: HTTP } }]'), ['error IST0101 test.yaml:5']],
    ['the lab’s own gateway, on any port', istio('Gateway', 'g', '  selector: { istio: ingressgateway }\n  servers: [{ hosts: ["*"], port: { number: 8080, name: http, protocol: HTTP } }]'), []],
    ['a missing certificate', istio('Gateway', 'g', '  selector: { istio: ingressgateway }\n  servers:\n  - hosts: ["a.example.com"]\n    port: { number: 443, name: https, protocol: HTTPS }\n    tls: { mode: SIMPLE, credentialName: cert }'), ['error IST0101 test.yaml:9']],
    ['plaintext to STRICT', `${istio('DestinationRule', 'plain', '  host: reviews.default.svc.cluster.local\n  trafficPolicy: { tls: { mode: DISABLE } }')}\n---\n${istio('PeerAuthentication', 'default', '  mtls: { mode: STRICT }', 'security')}`, ['error IST0113 test.yaml:6']],
    ['mTLS to DISABLE on that port', `${istio('DestinationRule', 'tls', '  host: reviews\n  trafficPolicy: { tls: { mode: ISTIO_MUTUAL } }')}\n---\n${istio('PeerAuthentication', 'port', '  selector: { matchLabels: { app: reviews } }\n  portLevelMtls: { 9080: { mode: DISABLE } }', 'security')}`, ['error IST0113 test.yaml:6']],
    ['a rule that nobody reaches', istio('VirtualService', 'a', `${route('{ host: reviews }')}\n  - match: [{ uri: { prefix: /a } }]\n    route: [{ destination: { host: reviews } }]`), ['warning IST0130 test.yaml:9']],
    ['what admission refuses', istio('VirtualService', 'a', '  hosts: [reviews]\n  http:\n  - retries: { attempts: -1 }\n    route: [{ destination: { host: reviews } }]'), ['error IST0106 test.yaml:7']],
    ['a namespace without injection label, which the lab injects anyway', 'apiVersion: v1\nkind: Namespace\nmetadata: { name: shop }', []],
  ])('%s', (_name, text, expected) => {
    expect(find(text)).toEqual(expected);
  });

  it('two rules of one host stand beside each other where the mesh exports neither', () => {
    const rule = (namespace: string): string => istio('VirtualService', 'a', '  hosts: [reviews.default.svc.cluster.local]\n  http: [{ route: [{ destination: { host: reviews.default.svc.cluster.local } }] }]').replace('name: a', `name: a, namespace: ${namespace}`);
    const config = (exportTo: string): string => `\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: istio, namespace: istio-system }\ndata: { mesh: "defaultVirtualServiceExportTo: ['${exportTo}']" }`;
    expect(find(`${rule('a')}\n---\n${rule('b')}${config('*')}`)).toEqual(['error IST0109 test.yaml:5', 'error IST0109 test.yaml:12']);
    expect(find(`${rule('a')}\n---\n${rule('b')}${config('.')}`)).toEqual([]);
  });

  it('a gateway rule that skips mesh rules is said only where it makes a difference', () => {
    const gateway = `${istio('Gateway', 'front', '  selector: { istio: ingressgateway }\n  servers: [{ hosts: ["*"], port: { number: 80, name: http, protocol: HTTP } }]')}\n---\n`;
    const outside = istio('VirtualService', 'out', '  hosts: ["*"]\n  gateways: [front]\n  http:\n  - route:\n    - destination: { host: reviews }');
    const inside = `\n---\n${istio('VirtualService', 'in', route('{ host: reviews, subset: v1 }'))}`;
    expect(find(gateway + outside + inside)).toEqual(['warning IST0140 test.yaml:16']);
    expect(find(gateway + outside)).toEqual([]);
  });

  it('every finding says what to do or why, in one sentence each', () => {
    const { resources } = parseManifests([{ path: 'test.yaml', text: istio('VirtualService', 'a', route('{ host: reviws }')) }]);
    expect(analyze({ resources })).toEqual([
      {
        code: 'IST0101', level: 'error', file: 'test.yaml', line: 8, column: 22, resource: 'VirtualService default/a', path: 'spec.http[0].route[0].destination.host',
        message: 'The host reviws is not known: no Service or ServiceEntry has it, so requests to it fail.',
        help: 'Apply the Service, or write the whole name (reviws.default.svc.cluster.local was looked up).',
      },
    ]);
  });
});
