import { describe, expect, it } from 'vitest';
import { configData } from '../../../src/core/pods/config-data.ts';
import { environment, expand } from '../../../src/core/pods/environment.ts';
import { parseQuantity } from '../../../src/core/pods/quantity.ts';
import { parseManifests, podTemplates } from '../../../src/manifest/index.ts';

const pod = { name: 'web-1', namespace: 'default', uid: 'u', ip: '10.0.0.5', hostIp: '10.0.0.1', serviceAccount: 'web', labels: { app: 'web' }, annotations: { note: 'hi' } };
const config = `
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {COLOR: red, SIZE: "3", "not a name!": x}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
data: {token: aGVsbG8=}
stringData: {plain: text}
---
`;

function envOf(container: string): Readonly<Record<string, string>> {
  const { resources } = parseManifests([{ path: 'a.yaml', text: `${config}apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: web\n    image: x\n${container}` }]);
  const [template] = podTemplates(resources);
  const [first] = template?.spec.containers ?? [];
  if (first === undefined) throw new Error('no container');
  return environment(first, pod, configData(resources));
}

describe('a container’s environment', () => {
  it('takes whole config maps and secrets, then single variables over them', () => {
    expect(envOf('    envFrom: [{configMapRef: {name: settings}}, {prefix: S_, secretRef: {name: keys}}]\n    env: [{name: COLOR, value: blue}]')).toEqual({ COLOR: 'blue', SIZE: '3', S_token: 'hello', S_plain: 'text' });
  });
  it('refers to earlier variables only', () => {
    expect(envOf('    env: [{name: A, value: "1"}, {name: B, value: "$(A)-$(C)-$$(A)"}, {name: C, value: "2"}]')).toEqual({ A: '1', B: '1-$(C)-$(A)', C: '2' });
  });
  it('knows the downward API', () => {
    expect(envOf(`    resources: {limits: {memory: 64Mi, cpu: 1500m}}
    env:
    - {name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
    - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
    - {name: APP, valueFrom: {fieldRef: {fieldPath: "metadata.labels['app']"}}}
    - {name: MEMORY, valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: 1Mi}}}
    - {name: CPUS, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}
    - {name: KEY, valueFrom: {secretKeyRef: {name: keys, key: token}}}
    - {name: NONE, valueFrom: {configMapKeyRef: {name: absent, key: x, optional: true}}}`)).toEqual({ NAME: 'web-1', IP: '10.0.0.5', APP: 'web', MEMORY: '64', CPUS: '2', KEY: 'hello' });
  });
  it.each([
    ['a config map that is not there', '    envFrom: [{configMapRef: {name: absent}}]', /ConfigMap default\/absent is not there/],
    ['a key that is not there', '    env: [{name: A, valueFrom: {secretKeyRef: {name: keys, key: nope}}}]', /no key “nope”/],
    ['a name with an equals sign', '    env: [{name: "A=B", value: x}]', /is not a name/],
    ['a field that pods do not have', '    env: [{name: A, valueFrom: {fieldRef: {fieldPath: status.phase}}}]', /status.phase/],
    ['a value that no program can be started with', `    env: [{name: A, value: "${'x'.repeat(140_000)}"}]`, /longer than/],
  ])('refuses %s', (_, container, message) => {
    expect(() => envOf(container)).toThrowError(expect.objectContaining({ code: 'manifest-invalid', message: expect.stringMatching(message) as string }));
  });
  it('leaves unknown references as they are', () => {
    expect(expand('$(X) $$ $', new Map())).toBe('$(X) $ $');
  });
});

it.each([['500m', 0.5], ['64Mi', 67_108_864], ['1e3', 1000], ['1.5G', 1.5e9], [2, 2], ['0', 0], ['12x', undefined], ['', undefined], [undefined, undefined]])('the quantity %s is %s', (text, value) => {
  expect(parseQuantity(text)).toBe(value);
});
