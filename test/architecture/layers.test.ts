import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layers, owners } from './layers.ts';

const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', 'src', 'renderer', 'electron', 'test/fakes'], { encoding: 'utf8' })
  .split('\n').filter((file) => /\.(ts|tsx|mjs)$/.test(file) && !/^src\/xds\/gen\//.test(file) && existsSync(file));

function importsOf(file: string): readonly { specifier: string; types: boolean }[] {
  const text = readFileSync(file, 'utf8');
  const found = [...text.matchAll(/^\s*(?:import|export)\s+(type\s)?(?:[^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]/gm)].map((m) => ({ specifier: m[2] ?? '', types: m[1] !== undefined }));
  const lazy = [...text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)].map((m) => ({ specifier: m[1] ?? '', types: false }));
  return [...found, ...lazy];
}

const layerOf = (file: string): string | undefined => layers.find((layer) => layer.files.test(file))?.name;
const feature = (file: string): string | undefined => /^src\/features\/([^/]+)\//.exec(file)?.[1];

describe('layers', () => {
  it('has a layer for every file', () => {
    expect(files.filter((file) => layerOf(file) === undefined)).toEqual([]);
  });

  it('lets imports go one way', () => {
    const wrong = files.flatMap((file) => {
      const layer = layers.find((candidate) => candidate.files.test(file));
      return importsOf(file).filter(({ specifier }) => specifier.startsWith('.')).flatMap(({ specifier }) => {
        const target = normalize(join(dirname(file), specifier.replace(/\?.*$/, '')));
        const to = layerOf(target);
        if (layer === undefined || to === undefined || to === layer.name && feature(file) === feature(target)) return [];
        if (feature(file) !== undefined && feature(target) !== undefined && feature(file) !== feature(target)) return [`${file} → ${target}: feature to feature`];
        if (layer.may.includes(to) || (feature(file) === feature(target) && feature(file) !== undefined)) return [];
        return [`${file} → ${target}: ${layer.name} may not import ${to}`];
      });
    });
    expect(wrong).toEqual([]);
  });

  it('keeps packages where they belong', () => {
    const wrong = files.filter((file) => !file.startsWith('test/')).flatMap((file) => importsOf(file).flatMap(({ specifier, types }) => {
      const owner = owners.find((candidate) => candidate.package.test(specifier));
      return types || owner === undefined || owner.files.test(file) ? [] : [`${file} imports ${specifier}`];
    }));
    expect(wrong).toEqual([]);
  });

  it('keeps the top level to what was agreed', () => {
    const top = new Set(execFileSync('git', ['ls-files'], { encoding: 'utf8' }).split('\n').filter(Boolean).map((file) => file.split('/')[0]));
    const agreed = /^(package(-lock)?\.json|tsconfig\.json|electron|renderer|src|assets|test|README\.md|LICENSE|\..*)$/;
    expect([...top].filter((name) => !agreed.test(name ?? ''))).toEqual([]);
  });
});
