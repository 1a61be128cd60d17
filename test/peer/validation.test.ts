import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { parseManifests, validate, type Diagnostic } from '../../src/manifest/index.ts';
import { admits } from './admission.ts';
import { hasPeer, peerDir, readPeer } from './cases.ts';

interface Case {
  readonly test: string;
  readonly name: string;
  readonly valid: boolean;
  readonly warning: boolean | null;
  readonly scope: 'resource' | 'fragment' | 'primitive';
  readonly resource?: object;
  readonly input?: Readonly<Record<string, unknown>>;
}

/** Shares of the cases that must stay right. */
const floor = { cases: 0.97, crd: 1 };

function check(resource: object): readonly Diagnostic[] {
  const { resources, diagnostics } = parseManifests([{ path: 'case.yaml', text: JSON.stringify(resource) }]);
  return [...diagnostics, ...resources.flatMap(validate)];
}

const has = (found: readonly Diagnostic[], level: Diagnostic['level']): boolean => found.some((diagnostic) => diagnostic.level === level);

function passes(entry: Case): boolean {
  if (entry.scope === 'primitive') return admits(entry.test, entry.input ?? {}) === entry.valid;
  const found = check(entry.resource ?? {});
  return has(found, 'error') !== entry.valid && (entry.warning === null || has(found, 'warning') === entry.warning);
}

describe.skipIf(!hasPeer('validation'))('validation', { timeout: 60_000 }, () => {
  it('agrees with Istio’s admission', () => {
    const cases = JSON.parse(readPeer('validation/cases.json')) as readonly Case[];
    const failed = cases.filter((entry) => !passes(entry));
    console.log(`validation ${cases.length - failed.length}/${cases.length}`);
    if (process.env['PEER_FAILED'] !== undefined) for (const entry of failed) console.log(entry.valid ? 'ok ' : 'bad', entry.warning, entry.test, '|', entry.name, '|', JSON.stringify((entry.resource as { spec?: object } | undefined)?.spec ?? entry.input).slice(0, 300), check(entry.resource ?? {}).map(({ level, message }) => `${level}: ${message}`));
    expect((cases.length - failed.length) / cases.length).toBeGreaterThanOrEqual(floor.cases);
  });

  it('agrees with Istio’s CRDs', () => {
    const folder = 'validation/crd-testdata';
    let total = 0;
    let right = 0;
    for (const file of readdirSync(resolve(peerDir, folder))) {
      for (const document of parseAllDocuments(readPeer(`${folder}/${file}`), { version: '1.1' })) {
        const value = parse(stringify(document.toJS())) as Record<string, unknown> | null;
        if (value === null) continue;
        const { _err: expected, ...resource } = value;
        total++;
        if (has(check(resource), 'error') === (expected !== undefined)) right++;
        else if (process.env['PEER_FAILED'] !== undefined) console.log(file, expected, JSON.stringify(resource));
      }
    }
    console.log(`crd validation ${right}/${total}`);
    expect(right / total).toBeGreaterThanOrEqual(floor.crd);
  });
});
