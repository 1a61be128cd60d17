import { describe, expect, it } from 'vitest';
import { currentSwitches, switchFile, throwSwitch } from '../../../src/core/switches/index.ts';
import type { SourceFile } from '../../../src/manifest/index.ts';

const reviews = 'reviews.default.svc.cluster.local';
const virtualService = `# all reviews to v1
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
spec:
  hosts:
  - reviews # short name
  http:
  - match:
    - headers:
        end-user:
          exact: jason
    route:
    - destination:
        host: reviews
        subset: v2
  - route:
    - destination:
        host: reviews
        subset: v1
`;
const config = `apiVersion: v1
kind: ConfigMap
metadata:
  name: text
data:
  script: |
    --- not a separator
    echo
---
`;
const rule = `---
# versions
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: reviews
spec:
  host: reviews
  subsets:
  - name: v1
    labels:
      version: v1
  - name: v2
    labels:
      version: v2
`;
const files: readonly SourceFile[] = [{ path: 'routes.yaml', text: config + virtualService + rule }];

describe('fault switch', () => {
  it('writes a VirtualService of its own where none is, and takes it back whole', () => {
    const faulty = throwSwitch([], { kind: 'fault', host: reviews, namespace: 'default', abort: { status: 500, percent: 50 } });
    expect(faulty.map((file) => file.path)).toEqual([switchFile]);
    expect(currentSwitches(faulty).faults).toEqual([{ host: reviews, namespace: 'default', abort: { status: 500, percent: 50 } }]);
    expect(throwSwitch(faulty, { kind: 'fault', host: reviews, namespace: 'default' })).toEqual([]);
    expect(throwSwitch(faulty, { kind: 'clear', what: 'faults' })).toEqual([]);
  });

  it('edits the user’s VirtualService on every route and leaves the rest of the file to the letter', () => {
    const faulty = throwSwitch(files, { kind: 'fault', host: reviews, namespace: 'default', delay: { milliseconds: 7000, percent: 20 } });
    const text = faulty[0]?.text ?? '';
    expect(text.startsWith(config)).toBe(true);
    expect(text.endsWith(rule)).toBe(true);
    expect(text).toContain('# all reviews to v1');
    expect(text).toContain('- reviews # short name');
    expect(text.match(/fixedDelay: 7s/g)).toHaveLength(2);
    expect(throwSwitch(faulty, { kind: 'clear', what: 'faults' })).toEqual(files);
  });

  it('replaces one fault by another', () => {
    const first = throwSwitch(files, { kind: 'fault', host: reviews, namespace: 'default', delay: { milliseconds: 250, percent: 100 } });
    const second = throwSwitch(first, { kind: 'fault', host: reviews, namespace: 'default', abort: { status: 503, percent: 10 } });
    expect(currentSwitches(second).faults).toEqual([{ host: reviews, namespace: 'default', abort: { status: 503, percent: 10 } }]);
  });
});

describe('weights switch', () => {
  it('splits the last route without match and keeps the matches', () => {
    const split = throwSwitch(files, { kind: 'weights', host: reviews, namespace: 'default', weights: { v1: 80, v2: 20 } });
    expect(currentSwitches(split).weights).toEqual([{ host: reviews, namespace: 'default', weights: { v1: 80, v2: 20 } }]);
    expect(split[0]?.text).toContain('exact: jason');
    expect(split).toHaveLength(1);
  });

  it('adds the subsets that a DestinationRule lacks', () => {
    const split = throwSwitch(files, { kind: 'weights', host: reviews, namespace: 'default', weights: { v1: 50, v3: 50 } });
    expect(split[0]?.text).toContain('version: v3');
    expect(currentSwitches(split).weights[0]?.weights).toEqual({ v1: 50, v3: 50 });
  });

  it('takes a short name for a service of its namespace, and edits what it has written before', () => {
    const once = throwSwitch([], { kind: 'weights', host: 'reviews', namespace: 'default', weights: { v1: 100 } });
    const twice = throwSwitch(once, { kind: 'weights', host: 'reviews', namespace: 'default', weights: { v1: 90, v3: 10 } });
    expect(twice.flatMap(({ text }) => text.match(/^kind: /gm) ?? [])).toHaveLength(2);
    expect(currentSwitches(twice).weights).toEqual([{ host: reviews, namespace: 'default', weights: { v1: 90, v3: 10 } }]);
  });

  it('writes both resources where none is, and clears them', () => {
    const split = throwSwitch([], { kind: 'weights', host: reviews, namespace: 'default', weights: { v1: 90, v2: 10 } });
    expect(currentSwitches(split).weights[0]?.weights).toEqual({ v1: 90, v2: 10 });
    expect(throwSwitch(split, { kind: 'clear', what: 'all' })).toEqual([]);
  });
});

describe('mTLS switch', () => {
  it('sets mesh and namespace modes, changes them, and lets them inherit again', () => {
    const strict = throwSwitch([], { kind: 'mtls', namespace: '', mode: 'STRICT' });
    const both = throwSwitch(strict, { kind: 'mtls', namespace: 'default', mode: 'DISABLE' });
    expect(currentSwitches(both).mtls).toEqual({ '': 'STRICT', default: 'DISABLE' });
    const changed = throwSwitch(both, { kind: 'mtls', namespace: '', mode: 'PERMISSIVE' });
    expect(currentSwitches(changed).mtls).toEqual({ '': 'PERMISSIVE', default: 'DISABLE' });
    const inherited = throwSwitch(changed, { kind: 'mtls', namespace: '' });
    expect(currentSwitches(inherited).mtls).toEqual({ default: 'DISABLE' });
  });
});
