import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { kinds, parseManifests, validate, type KindDefinition } from '../../src/manifest/index.ts';
import { definitionOf, innerOf, type SchemaDefinition } from '../../src/manifest/schema.ts';
import { hasPeer, readPeer } from './cases.ts';

/** What becomes of a field as its schema says: it is taken, or it is said at its line that it is not run; `unknown` would be silence. That taken fields act, the features' own tests show. */
type State = 'run' | 'named' | 'unknown';

interface Field {
  readonly kind: string;
  readonly path: string;
  /** A and B are what samples, docs and tutorials use. */
  readonly tier: string;
}

/** The share of them that may be named rather than run; lower it as features come. */
const named = 0.2;

const there = hasPeer('field-inventory.csv');
const fields: readonly Field[] = there ? readPeer('field-inventory.csv').trim().split('\n').slice(1).map((line) => {
  const [kind = '', path = '', , tier = ''] = line.replace(/"[^"]*"/g, '').split(',');
  return { kind, path, tier };
}) : [];

/** A schema without its wrappers, and whether one of them says that it is not run. */
function opened(schema: z.ZodType): { readonly definition: SchemaDefinition; readonly named: boolean } {
  const named = typeof schema.meta()?.['notRun'] === 'string';
  const inner = innerOf(schema);
  if (inner === undefined) return { definition: definitionOf(schema), named };
  const below = opened(inner);
  return { definition: below.definition, named: named || below.named };
}

function stateOf(definition: KindDefinition, path: string): State {
  if (definition.schema === undefined || definition.notRun !== undefined) return definition.notRun === undefined ? 'unknown' : 'named';
  let schema: z.ZodType | undefined = definition.schema;
  for (const step of path.match(/[^.[\]{}]+|\[\]|\{\}/g) ?? []) {
    const { definition: here, named }: ReturnType<typeof opened> = opened(schema);
    if (named) return 'named';
    schema = step === '[]' ? here.element : step === '{}' ? here.valueType ?? here.catchall : here.shape?.[step];
    if (schema === undefined) return here.type === 'unknown' ? 'run' : 'unknown';
  }
  return opened(schema).named ? 'named' : 'run';
}

describe.skipIf(!there)('the fields of Istio’s kinds', () => {
  const istio = /^(networking|security|telemetry|extensions)\.istio\.io$/;
  const states = fields.map((field) => {
    const definition = kinds.find(({ kind, group }) => kind === field.kind && istio.test(group));
    return { ...field, state: definition === undefined ? ('unknown' as const) : stateOf(definition, field.path) };
  });
  const list = (state: State, tiers: string): readonly string[] => states.filter((field) => field.state === state && tiers.includes(field.tier)).map(({ kind, path }) => `${kind} ${path}`);

  it('are run or named: none is silently ignored', () => {
    console.log(`fields: ${list('run', 'ABCDE').length} run, ${list('named', 'ABCDE').length} named`);
    expect(list('unknown', 'ABCDE')).toEqual([]);
  });

  it('run where samples, docs and tutorials use them, but for those that are listed', () => {
    console.log(`fields of samples, docs and tutorials: ${list('run', 'AB').length} run, ${list('named', 'AB').length} named\n  ${list('named', 'AB').join('\n  ')}`);
    expect(list('named', 'AB').length / states.filter(({ tier }) => 'AB'.includes(tier)).length).toBeLessThan(named);
  });

  it('that are named are said at their line', () => {
    const text = 'apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: { name: a }\nspec:\n  profile: demo\n  hub: example.com/istio\n';
    const { resources, diagnostics } = parseManifests([{ path: 'a.yaml', text }]);
    expect([...diagnostics, ...resources.flatMap(validate)].map(({ code, line, path }) => `${code} ${line} ${path}`)).toEqual(['WEFT0007 6 spec.hub']);
  });
});
