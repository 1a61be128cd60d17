import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { analyze } from '../../src/analyze/index.ts';
import { consentNeeded, parseManifests, podTemplates, validate } from '../../src/manifest/index.ts';
import { parseText } from './files.ts';

const head = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n';
const repeat = (text: string, times: number): string => text.repeat(times);
const lines = (count: number, line: (index: number) => string): string => Array.from({ length: count }, (_, index) => line(index)).join('\n');
const bomb = `${head}data:\n  a: &a [${repeat('x,', 9)}]\n${[...'bcdefghij'].map((name, index) => `  ${name}: &${name} [${repeat(`*${'abcdefghi'[index] ?? 'a'},`, 9)}]`).join('\n')}`;

/** Milliseconds that any of these may take on a machine that does much else; alone, none takes two seconds. */
const patience = 60_000;

describe('hostile manifests', () => {
  it.each([
    ['an alias bomb', bomb, 'WEFT0002'],
    ['a self-reference', `${head}data: &a { k: *a }`, 'WEFT0002'],
    ['an alias without anchor', `${head}data: { k: *nobody }`, 'WEFT0001'],
    ['60,000 keys', `${head}data:\n${lines(60_000, (index) => `  k${index}: v`)}`, undefined],
    ['30,000 times the same key', `${head}data:\n${lines(30_000, () => '  k: v')}`, 'WEFT0004'],
    ['deep flow lists', `${head}data: ${repeat('[', 100_000)}`, 'WEFT0002'],
    ['deep flow maps', `${head}data: ${repeat('{a: ', 100_000)}`, 'WEFT0002'],
    ['deep block lists', `${head}data:\n  ${repeat('- ', 50_000)}x`, 'WEFT0002'],
    ['deep block maps', head + lines(500, (index) => `${repeat(' ', index)}a:`), 'WEFT0002'],
    ['question marks', repeat('? ', 50_000), 'WEFT0002'],
    ['NUL bytes', `${head}data: { a: "\0" }\n\0\0`, 'WEFT0001'],
    ['__proto__ as a key', `${head}data: { __proto__: { polluted: yes } }`, 'WEFT0001'],
    ['a number of 100,000 digits', `${head}data: { a: ${repeat('9', 100_000)} }`, undefined],
    ['commas', repeat(',', 2_000_000), 'WEFT0001'],
    ['commas in a list', `[${repeat(',', 2_000_000)}`, 'WEFT0001'],
    ['anchors', repeat('&a ', 500_000), 'WEFT0001'],
    ['tags', repeat('!a ', 500_000), 'WEFT0001'],
    ['dashes', repeat('-\n', 400_000), 'WEFT0002'],
    ['a file of 5 MB', repeat('a', 5_000_000), 'WEFT0002'],
    ['a map as a key', `${head}data: { { a: b }: c }`, 'WEFT0001'],
    ['half a document', `${head}data: "unfinished`, 'WEFT0001'],
  ])('%s is refused or read, quickly', (_name, text, code) => {
    const { diagnostics } = parseText(text);
    if (code === undefined) expect(diagnostics.every(({ code: found }) => found === 'IST0106')).toBe(true);
    else expect(diagnostics.map(({ code: found }) => found)).toContain(code);
    expect(diagnostics.length).toBeLessThanOrEqual(501);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  }, patience);

  it('does not spoil what stands before it or in other files', () => {
    const { resources } = parseManifests([{ path: 'a.yaml', text: `${head}---\n${bomb.replace('name: a', 'name: b')}\n---\n${head.replace('name: a', 'name: c')}` }, { path: 'b.yaml', text: head.replace('name: a', 'name: d') }]);
    expect(resources.map(({ metadata }) => metadata.name)).toEqual(['a', 'c', 'd']);
  });

  it('reads 1,000 documents in about a second', () => {
    const text = Array.from({ length: 1000 }, (_, index) => `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata:\n  name: reviews-${index}\nspec:\n  hosts:\n  - reviews\n  http:\n  - match:\n    - headers:\n        end-user:\n          exact: jason\n    route:\n    - destination:\n        host: reviews\n        subset: v2\n  - route:\n    - destination:\n        host: reviews\n        subset: v3\n`).join('---\n');
    parseText(text.slice(0, 5000));
    const start = performance.now();
    expect(parseText(text).resources).toHaveLength(1000);
    const elapsed = performance.now() - start;
    console.log(`1,000 documents in ${elapsed.toFixed(0)} ms`);
    expect(elapsed).toBeLessThan(patience / 4);
  }, patience);
});

describe('whatever is written', () => {
  const kinds = ['Pod', 'Deployment', 'Service', 'VirtualService', 'DestinationRule', 'Gateway', 'ServiceEntry', 'Sidecar', 'PeerAuthentication', 'EnvoyFilter', 'Telemetry', 'ConfigMap', 'MutatingWebhookConfiguration'];
  const groups: Readonly<Record<string, string>> = { Deployment: 'apps/v1', PeerAuthentication: 'security.istio.io/v1', Pod: 'v1', Service: 'v1', ConfigMap: 'v1', Telemetry: 'telemetry.istio.io/v1', MutatingWebhookConfiguration: 'admissionregistration.k8s.io/v1' };
  const fields = ['hosts', 'http', 'route', 'destination', 'host', 'match', 'uri', 'prefix', 'headers', 'port', 'number', 'ports', 'servers', 'tls', 'mode', 'trafficPolicy', 'subsets', 'containers', 'volumes', 'template', 'spec', 'selector', 'labels', 'configPatches', 'fault', 'weight', 'endpoints', 'egress', 'exportTo', 'gateways', 'name'];
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof({ depthSize: 'medium', maxDepth: 6 }, fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.constantFrom('*', '1.2.3.4', 'reviews', '5s', 'a/b'), fc.array(tie('tree'), { maxLength: 3 }), fc.dictionary(fc.constantFrom(...fields), tie('tree'), { maxKeys: 5 })),
  }));

  it('parse, validate and analyze never throw', () => {
    fc.assert(fc.property(fc.constantFrom(...kinds), tree, (kind, spec) => {
      const { resources } = parseText(JSON.stringify({ apiVersion: groups[kind] ?? 'networking.istio.io/v1', kind, metadata: { name: 'a' }, spec, status: spec, webhooks: spec, data: spec }));
      resources.forEach(validate);
      resources.forEach(consentNeeded);
      podTemplates(resources);
      analyze({ resources, cluster: true });
    }), { numRuns: 300 });
  }, patience);

  it('text never makes parse throw, and findings stand inside the file', () => {
    const piece = fc.constantFrom('a', ':', ' ', '\n', '- ', '? ', '[', ']', '{', '}', ',', '&a ', '*a ', '!!str ', '"', "'", '|', '>', '#', '---', '...', '%YAML 1.2\n', '\t', '\r', '\0', '<<: ', 'kind: Pod\n', 'apiVersion: v1\n', 'metadata: {name: a}\n', '\u2028', '0x', '.nan', '~');
    fc.assert(fc.property(fc.oneof(fc.string({ maxLength: 200 }), fc.array(piece, { maxLength: 60 }).map((parts) => parts.join(''))), (text) => {
      const count = text.split(/\r\n|\n|\r/).length;
      for (const { line, column } of parseText(text).diagnostics) {
        expect(line).toBeGreaterThanOrEqual(1);
        expect(line).toBeLessThanOrEqual(count);
        expect(column).toBeGreaterThanOrEqual(1);
      }
    }), { numRuns: 500 });
  }, patience);
});
