import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { analyses, analyze } from '../../src/analyze/index.ts';
import { meshConfigFrom } from '../../src/compile/index.ts';
import { meshDocument, parseManifests, resourceName, type Diagnostic, type Resource } from '../../src/manifest/index.ts';
import { hasPeer, readPeer } from './cases.ts';

interface Case {
  readonly name: string;
  readonly analyzer: string;
  readonly inputFiles: readonly string[];
  readonly meshConfigFile: string | null;
  readonly analyzerCodes: readonly string[];
  readonly expected: readonly { readonly code: string; readonly resource: string }[];
}

/** Cases that must stay right. */
const floor = 48;

/** What every cluster of these cases has. */
const cluster = `
apiVersion: v1
kind: Pod
metadata: { name: istio-ingressgateway, namespace: istio-system, labels: { istio: ingressgateway } }
spec: { containers: [{ name: istio-proxy, image: proxy }] }
---
apiVersion: v1
kind: Service
metadata: { name: istio-ingressgateway, namespace: istio-system }
spec:
  selector: { istio: ingressgateway }
  ports: [{ name: http2, port: 80 }, { name: https, port: 443 }, { name: tcp, port: 31400 }, { name: tls, port: 15443 }]
`;

const known = new Map(analyses().map(({ name, codes }) => [name, codes]));

/** The cases are unit tests of one analyzer each; a name that we do not have means all of them. */
function run(entry: Case): readonly string[] {
  const files = [{ path: 'cluster.yaml', text: cluster }, ...entry.inputFiles.map((path) => ({ path: basename(path), text: readPeer(`analyzers/${path}`) }))];
  if (entry.meshConfigFile !== null) files.push({ path: 'mesh.yaml', text: meshMap(readPeer(`analyzers/${entry.meshConfigFile}`)) });
  const { resources } = parseManifests(files);
  const name = entry.analyzer.replace(/\(.*\)$/, '');
  const found = analyze({ resources, mesh: meshConfigFrom(meshDocument(resources)), cluster: true, ...(known.has(name) && { only: [name] }) });
  return found.filter(({ code }) => entry.analyzerCodes.includes(code)).map((diagnostic) => `${diagnostic.code} ${written(diagnostic, resources)}`);
}

/** The mesh's configuration where a control plane reads it. */
function meshMap(mesh: string): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'istio', namespace: 'istio-system' }, data: { mesh } });
}

/** The resource's name with the namespace only where the manifest says one. */
function written({ resource = '' }: Diagnostic, resources: readonly Resource[]): string {
  const found = resources.find((candidate) => resourceName(candidate) === resource);
  const namespace = (found?.body['metadata'] as { readonly namespace?: string } | undefined)?.namespace;
  return found === undefined ? resource : `${found.kind} ${namespace === undefined || namespace === '' ? '' : `${namespace}/`}${found.metadata.name}`;
}

describe.skipIf(!hasPeer('analyzers'))('analyzers', { timeout: 60_000 }, () => {
  it('find what istioctl analyze finds', () => {
    const cases = JSON.parse(readPeer('analyzers/cases.json')) as readonly Case[];
    const failed: string[] = [];
    for (const entry of cases) {
      const expected = entry.expected.map(({ code, resource }) => `${code} ${resource}`).sort();
      const actual = [...run(entry)].sort();
      if (JSON.stringify(expected) !== JSON.stringify(actual)) failed.push(`${entry.name} (${entry.analyzer})\n  missing: ${minus(expected, actual).join(', ')}\n  surplus: ${minus(actual, expected).join(', ')}`);
    }
    console.log(`analyzers ${cases.length - failed.length}/${cases.length}`);
    if (process.env['PEER_FAILED'] !== undefined) for (const line of failed) console.log(line);
    expect(cases.length - failed.length).toBeGreaterThanOrEqual(Math.min(floor, cases.length));
  });
});

function minus(left: readonly string[], right: readonly string[]): readonly string[] {
  const rest = [...right];
  return left.filter((item) => {
    const index = rest.indexOf(item);
    if (index >= 0) rest.splice(index, 1);
    return index < 0;
  });
}
