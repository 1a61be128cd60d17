import { expect, it } from 'vitest';
import { parseManifests, validate } from '../../../src/manifest/index.ts';

/** What admission says: accepted, accepted with a warning, refused, or refused with a warning beside it. */
export type Verdict = 'ok' | 'warn' | 'bad' | 'bad, warn';
/** A case in words, the resource's `spec`, and the verdict. */
export type Row = readonly [what: string, spec: object, verdict: Verdict];

interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata?: { readonly annotations?: object; readonly labels?: object };
}

/** The API versions that the tables use. */
export const networking = 'networking.istio.io/v1';
export const security = 'security.istio.io/v1';
export const telemetry = 'telemetry.istio.io/v1';

/** How admission judges one resource, in namespace `shop`. */
export function judge({ apiVersion, kind, metadata }: Kind, spec: object): { readonly verdict: Verdict; readonly said: readonly string[] } {
  const text = JSON.stringify({ apiVersion, kind, metadata: { name: 'it', namespace: 'shop', ...metadata }, spec });
  const { resources, diagnostics } = parseManifests([{ path: 'it.yaml', text }]);
  const found = [...diagnostics, ...resources.flatMap(validate)];
  const has = (level: string): boolean => found.some((diagnostic) => diagnostic.level === level);
  const verdict = has('error') ? (has('warning') ? 'bad, warn' : 'bad') : has('warning') ? 'warn' : 'ok';
  return { verdict, said: found.map(({ level, message, path }) => `${level} ${path ?? ''}: ${message}`) };
}

/** One test per row. */
export function table(kind: Kind, rows: readonly Row[]): void {
  it.each(rows.map((row) => [`${row[2]}: ${row[0]}`, row] as const))('%s', (_title, [, spec, expected]) => {
    const { verdict, said } = judge(kind, spec);
    expect(verdict, said.join('\n')).toBe(expected);
  });
}
