import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { analyze } from '../../src/analyze/index.ts';
import { parseManifests, type Diagnostic, type SourceFile } from '../../src/manifest/index.ts';
import { hasPeer, peerDir, readPeer } from './cases.ts';

const root = 'istio-samples';
const there = hasPeer(root);
const paths = there ? (readdirSync(resolve(peerDir, root), { recursive: true }) as string[]).map((path) => path.replaceAll('\\', '/')).filter((path) => /\.(ya?ml|json)$/.test(path)).sort() : [];
const read = (path: string): SourceFile => ({ path, text: readPeer(`${root}/${path}`) });

/** What a networking sample stands on, as the task pages apply it. */
const bases: readonly { readonly prefix: string; readonly with: readonly string[] }[] = [
  { prefix: 'bookinfo/networking/', with: ['bookinfo/platform/kube/bookinfo.yaml', 'bookinfo/platform/kube/bookinfo-ratings-v2.yaml', 'bookinfo/networking/bookinfo-gateway.yaml', 'bookinfo/networking/destination-rule-all.yaml'] },
  { prefix: 'bookinfo/gateway-api/', with: ['bookinfo/platform/kube/bookinfo.yaml', 'bookinfo/platform/kube/bookinfo-versions.yaml', 'bookinfo/gateway-api/bookinfo-gateway.yaml'] },
  { prefix: 'httpbin/', with: ['httpbin/httpbin.yaml'] },
  { prefix: 'helloworld/', with: ['helloworld/helloworld.yaml'] },
  { prefix: 'tcp-echo/', with: ['tcp-echo/tcp-echo-services.yaml', 'tcp-echo/tcp-echo-all-v1.yaml'] },
];

/** A later file changes what an earlier one made, as on the task pages. */
const replaced = 'WEFT0005';

/** What istioctl analyze says about these files too, and is right. */
const justified = [
  'IST0101 bookinfo/networking/certmanager-gateway.yaml:33', // its Service comes with cert-manager
  'IST0129 bookinfo/networking/egress-rule-google-apis.yaml:45', // names no authority
  'IST0130 bookinfo/networking/fault-injection-details-v1.yaml:18', // a second rule after one without a match
];

function alarms(files: readonly SourceFile[]): readonly string[] {
  const { resources, diagnostics } = parseManifests(files);
  return [...diagnostics, ...analyze({ resources })].filter(({ level, code }) => level !== 'info' && code !== replaced).map(say);
}
const say = ({ level, code, file, line, message }: Diagnostic): string => `${level} ${code} ${file}:${line} ${message}`;

describe.skipIf(!there)('Istio’s samples', { timeout: 60_000 }, () => {
  it('are all read, one by one, without an alarm', () => {
    const parsed = paths.map((path) => ({ path, ...parseManifests([read(path)]) }));
    expect(paths.length).toBeGreaterThan(0);
    expect(parsed.flatMap(({ diagnostics }) => diagnostics.filter(({ level }) => level !== 'info').map(say))).toEqual([]);
    expect(parsed.filter(({ resources }) => resources.length === 0).map(({ path }) => path)).toEqual([]);
  });

  it('raise no alarm on top of what they belong to', () => {
    const found = paths.flatMap((path) => {
      const base = bases.find(({ prefix }) => path.startsWith(prefix))?.with ?? [];
      return alarms([...base.filter((other) => other !== path), path].map(read)).map((line) => `${path}: ${line}`);
    });
    expect(found.filter((line) => !justified.some((start) => line.includes(start)))).toEqual([]);
    expect(justified.filter((start) => !found.some((line) => line.includes(start)))).toEqual([]);
  });
});
