import { describe, expect, it } from 'vitest';
import { isKind, kindFromAlias, ofKind, parseManifests } from '../../src/manifest/index.ts';
import { brief, parseText } from './files.ts';

const configMap = (data: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n${data}`;

describe('documents', () => {
  it('come from several documents, Lists and JSON, and empty ones are skipped', () => {
    const { resources, diagnostics } = parseText(`---
# nothing here
---
apiVersion: v1
kind: List
items:
- { apiVersion: v1, kind: Namespace, metadata: { name: shop } }
- apiVersion: v1
  kind: ServiceAccount
  metadata: { name: web, namespace: shop }
---
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"k": "v"}}
`);
    expect(diagnostics).toEqual([]);
    expect(resources.map(({ kind, metadata, origin }) => `${kind} ${metadata.namespace}/${metadata.name} ${origin.line}:${origin.column ?? 0}`)).toEqual(['Namespace /shop 7:3', 'ServiceAccount shop/web 8:3', 'ConfigMap default/c 12:1']);
    expect(resources[1]?.locate(['metadata', 'namespace'])).toEqual({ line: 10, column: 26 });
  });

  it('that are broken cost only themselves', () => {
    const result = parseManifests([
      { path: 'one.yaml', text: `${configMap('  k: v')}\n---\nkind: [\n---\n${configMap('  k: v').replace('name: a', 'name: b')}` },
      { path: 'two.yaml', text: 'just words' },
      { path: 'three.yaml', text: configMap('  k: v').replace('name: a', 'name: c') },
    ]);
    expect(result.resources.map(({ metadata }) => metadata.name)).toEqual(['a', 'b', 'c']);
    expect(result.diagnostics.map(({ file, code, line }) => `${file}:${line} ${code}`)).toEqual(expect.arrayContaining(['two.yaml:1 WEFT0003']));
    expect(result.diagnostics.some(({ file, code }) => file === 'one.yaml' && code === 'WEFT0001')).toBe(true);
  });

  it('need kind, apiVersion and a name that Kubernetes accepts', () => {
    expect(brief(parseText('apiVersion: v1\nmetadata: { name: a }'))).toEqual(['error WEFT0003 1:1']);
    expect(brief(parseText('kind: Service\nmetadata: { name: a }'))).toEqual(['error WEFT0003 1:1']);
    expect(brief(parseText('apiVersion: v1\nkind: Service\nmetadata: {}'))).toEqual(['error WEFT0003 3:1']);
    const escape = parseText('apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ../../etc/passwd');
    expect(escape.resources).toEqual([]);
    expect(brief(escape)).toEqual(['error WEFT0003 4:3']);
  });

  it('that are written twice count once: the later one, in the place of the earlier', () => {
    const { resources, diagnostics } = parseManifests([
      { path: 'a.yaml', text: `${configMap('  k: one')}\n---\n${configMap('  k: x').replace('name: a', 'name: z')}` },
      { path: 'b.yaml', text: configMap('  k: two') },
    ]);
    expect(ofKind(resources, 'ConfigMap').map(({ metadata, spec }) => `${metadata.name} ${spec.data['k']}`)).toEqual(['a two', 'z x']);
    expect(diagnostics.map(({ file, code, level, line }) => `${level} ${code} ${file}:${line}`)).toEqual(['warning WEFT0005 b.yaml:4']);
  });
});

describe('YAML 1.1 as Kubernetes reads it', () => {
  it.each([
    ['yes', 'true'], ['on', 'true'], ['0755', '493'], ['0x10', '16'], ['1_000', '1000'], ['~', 'null'], ['1:30', '"1:30"'], ['2024-01-02', '"2024-01-02"'], ['"yes"', '"yes"'],
    ['.inf', '".inf"'], ['!!binary aGk=', '"aGk="'],
  ])('%s is %s', (written, json) => {
    const [resource] = parseText(`apiVersion: example.com/v1\nkind: Thing\nmetadata: { name: a }\nvalue: ${written}`).resources;
    expect(JSON.stringify(resource?.body['value'])).toBe(json);
  });

  it('keys become strings, merges merge, aliases repeat', () => {
    const [resource] = parseText(`apiVersion: example.com/v1
kind: Thing
metadata: { name: a }
base: &base { a: 1, b: 2 }
more: { <<: *base, b: 3, 80: x, true: z }
again: *base`).resources;
    expect(resource?.body['more']).toEqual({ a: 1, b: 3, 80: 'x', true: 'z' });
    expect(resource?.body['again']).toEqual({ a: 1, b: 2 });
    expect(resource?.locate(['more', 'a'])).toEqual({ line: 4, column: 15 });
    expect(resource?.locate(['more', 'b', 'c', 'd'])).toEqual({ line: 5, column: 20 });
  });

  it('repeated keys are errors at their line', () => {
    expect(brief(parseText(configMap('  k: a\n  j: b\n  k: c')))).toEqual(['error WEFT0004 8:3']);
  });
});

describe('fields', () => {
  const rule = (text: string): string => `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: a }\nspec:\n  hosts: [a]\n  http:\n${text}`;

  it('that are unknown are said with the nearest known one', () => {
    const result = parseText(rule('  - timout: 5s\n    route: [{ destination: { hst: a } }]'));
    expect(brief(result)).toEqual(['warning WEFT0006 7:5 spec.http[0].timout', 'error IST0106 8:15 spec.http[0].route[0].destination', 'warning WEFT0006 8:30 spec.http[0].route[0].destination.hst']);
    expect(result.diagnostics.map(({ help }) => help)).toEqual(['Did you mean timeout?', undefined, 'Did you mean host?']);
  });

  it('that run in all places are said in none', () => {
    const probes = (name: string): string => `apiVersion: v1\nkind: Pod\nmetadata: { name: a }\nspec:\n  containers:\n  - name: a\n    image: i\n    ${name}: { exec: { command: [cat, /ready] } }`;
    expect(brief(parseText(probes('readinessProbe')))).toEqual([]);
    expect(brief(parseText(probes('livenessProbe')))).toEqual([]);
    expect(brief(parseText(probes('startupProbe')))).toEqual([]);
  });

  it('that are known and not run are said once a file', () => {
    const pod = (name: string): string => `apiVersion: v1\nkind: Pod\nmetadata: { name: ${name} }\nspec:\n  nodeSelector: { a: b }\n  containers: [{ name: c, image: i }]`;
    expect(brief(parseText(`${pod('a')}\n---\n${pod('b')}`))).toEqual(['info WEFT0007 5:3 spec.nodeSelector']);
  });

  it('of the wrong shape are errors, and the rest of the resource still counts', () => {
    const result = parseText(rule('  - timeout: soon\n    retries: { attempts: 3 }\n    route: [{ destination: { host: a }, weight: heavy }]'));
    expect(brief(result)).toEqual(['error IST0106 7:5 spec.http[0].timeout', 'error IST0106 9:41 spec.http[0].route[0].weight']);
    const [first] = ofKind(result.resources, 'VirtualService');
    expect(first?.spec.http[0]).toMatchObject({ retries: { attempts: 3 }, route: [{ destination: { host: 'a' }, weight: 0 }] });
    expect(first?.spec.http[0]?.timeout).toBeUndefined();
  });

  it('are parsed once into narrow shapes', () => {
    const [first] = ofKind(parseText(rule(`  - match: [{ uri: { prefix: /a }, headers: { x: { regex: "a.*" }, z: {} } }]
    timeout: 1m30.5s
    fault: { delay: { fixedDelay: 250ms, percentage: { value: 0.5 } }, abort: { httpStatus: 503, percentage: { value: 10 } } }
    mirrorPercentage: { value: 100 }
    directResponse: { status: 200, body: { string: hi } }`)).resources, 'VirtualService');
    expect(first?.spec.http[0]).toMatchObject({
      match: [{ uri: { kind: 'prefix', value: '/a' }, headers: { x: { kind: 'regex', value: 'a.*' }, z: { kind: 'any' } } }],
      timeout: 90_500,
      fault: { delay: { fixedDelay: 250, percentage: 0.5 }, abort: { percentage: 10, status: { kind: 'http', status: 503 } } },
      mirrorPercentage: 100,
      directResponse: { status: 200, body: { kind: 'string', value: 'hi' } },
    });
  });

  it('that exclude each other are errors', () => {
    expect(brief(parseText(rule('  - match: [{ uri: { prefix: /a, exact: /b } }]')))).toEqual(['error IST0106 7:15 spec.http[0].match[0].uri']);
  });
});

describe('kinds', () => {
  it('that are not run are said once, with the reason', () => {
    expect(brief(parseText('apiVersion: batch/v1\nkind: Job\nmetadata: { name: a }\n---\napiVersion: batch/v1\nkind: Job\nmetadata: { name: b }'))).toEqual(['info WEFT0008 2:1 kind']);
    expect(brief(parseText('apiVersion: acme.dev/v1\nkind: Rocket\nmetadata: { name: a }'))).toEqual(['info WEFT0008 2:1 kind']);
  });

  it('that are mistyped are warnings with the nearest one', () => {
    const result = parseText('apiVersion: networking.istio.io/v1\nkind: VirtualServce\nmetadata: { name: a }');
    expect(result.diagnostics).toMatchObject([{ code: 'WEFT0009', level: 'warning', help: 'Did you mean VirtualService?', line: 2 }]);
    expect(parseText('apiVersion: apps/v9\nkind: Deployment\nmetadata: { name: a }').diagnostics).toMatchObject([{ code: 'WEFT0009', line: 1, help: 'Write apiVersion: apps/v1' }]);
  });

  it('of the same name in other groups are told apart', () => {
    const { resources } = parseText('apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: { name: a }\n---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: { name: a }\nspec: { servers: [] }');
    expect(resources.map((resource) => isKind(resource, 'Gateway'))).toEqual([false, true]);
  });

  it.each([['vs', 'VirtualService'], ['virtualservices', 'VirtualService'], ['VirtualService', 'VirtualService'], ['virtualservices.networking.istio.io', 'VirtualService'], ['deploy', 'Deployment'], ['svc', 'Service'], ['gw', 'Gateway'], ['ns', 'Namespace'], ['pa', 'PeerAuthentication'], ['serviceentries', 'ServiceEntry'], ['sa', 'ServiceAccount'], ['deployments.apps', 'Deployment'], ['rocket', undefined]])('%s means %s', (alias, kind) => {
    expect(kindFromAlias(alias)).toBe(kind);
  });
});
