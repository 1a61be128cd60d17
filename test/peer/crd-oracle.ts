import { isIP, isIPv4, isIPv6 } from 'node:net';
import { CelScalar, celEnv, celFunc, isCelError, parse, plan, type CelInput } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { Ajv, type ValidateFunction } from 'ajv';
import { parseAllDocuments } from 'yaml';

/** The part of an OpenAPI v3 schema that Kubernetes' structural schemas use. */
export interface Schema {
  readonly type?: string;
  readonly nullable?: boolean;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly enum?: readonly string[];
  readonly required?: readonly string[];
  readonly default?: unknown;
  readonly 'x-kubernetes-validations'?: readonly { readonly rule: string; readonly message?: string }[];
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
}

/** A CustomResourceDefinition as `kubectl get crd -o yaml` writes it. */
export interface Crd {
  readonly spec: { readonly group: string; readonly names: { readonly kind: string; readonly plural: string; readonly shortNames?: readonly string[] }; readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }[] };
}

/** The CRDs of a YAML text. */
export const readCrds = (text: string): readonly Crd[] => parseAllDocuments(text).map((document) => document.toJS() as Crd);

/** The whole schema of a CRD's newest version. */
export const rootOf = (crd: Crd): Schema => crd.spec.versions[0]?.schema.openAPIV3Schema ?? {};
/** The schema of its `spec`. */
export const specOf = (crd: Crd): Schema => rootOf(crd).properties?.['spec'] ?? {};

type Rule = (self: CelInput) => string | undefined;

/** Judges resources as the API server does with the real CRDs: nulls dropped, structure by OpenAPI, then every CEL rule. */
export class CrdOracle {
  readonly #ajv = new Ajv({ strict: false, logger: false, allErrors: true, formats: { int32: { type: 'number', validate: (value) => Math.abs(value) <= 2 ** 31 }, int64: { type: 'number', validate: Number.isSafeInteger }, ipv4: isIPv4, ipv6: isIPv6 } });
  readonly #validators = new Map<string, { readonly validate: ValidateFunction; readonly schema: Schema }>();
  readonly #rules = new Map<string, Rule>();
  readonly #env = celEnv({
    funcs: [
      ...strings,
      celFunc('isIP', [CelScalar.STRING], CelScalar.BOOL, (text) => isIP(text) !== 0),
      celFunc('isURL', [CelScalar.STRING], CelScalar.BOOL, (text) => scheme(text) !== undefined),
      celFunc('urlScheme', [CelScalar.STRING], CelScalar.STRING, (text) => {
        const found = scheme(text);
        if (found === undefined) throw new Error('not a URL');
        return found;
      }),
    ],
  });

  constructor(crds: readonly Crd[]) {
    for (const crd of crds) {
      const schema = rootOf(crd);
      this.#validators.set(`${crd.spec.group}/${crd.spec.names.kind}`, { schema, validate: this.#ajv.compile(schema as object) });
    }
  }

  /** Whether a CRD is there for the resource. */
  knows(resource: Readonly<Record<string, unknown>>): boolean {
    return this.#validators.has(keyOf(resource));
  }

  /** What the API server says against a resource; empty when it takes it. */
  judge(resource: Readonly<Record<string, unknown>>): readonly string[] {
    const { validate, schema } = this.#validators.get(keyOf(resource))!;
    const value = pruned(resource, schema);
    if (validate(value) !== true) return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
    return this.#walk(value, schema, '');
  }

  #walk(value: unknown, schema: Schema, path: string): readonly string[] {
    const found: string[] = [];
    if (value === null || value === undefined) return found;
    for (const { rule } of schema['x-kubernetes-validations'] ?? []) {
      const said = this.#rule(rule)(celValue(value, schema));
      if (said !== undefined) found.push(`${path}: ${rule} ${said}`);
    }
    if (Array.isArray(value)) {
      const keys = schema['x-kubernetes-list-map-keys'];
      const ids = value.map((item: Readonly<Record<string, unknown>>) => JSON.stringify(keys?.map((key) => item[key])));
      if (keys !== undefined && new Set(ids).size < ids.length) found.push(`${path} Duplicate value`);
      return [...found, ...value.flatMap((item, index) => this.#walk(item, schema.items ?? {}, `${path}/${index}`))];
    }
    if (typeof value !== 'object') return found;
    return [...found, ...Object.entries(value).flatMap(([key, item]) => this.#walk(item, childOf(schema, key) ?? {}, `${path}/${key}`))];
  }

  #rule(text: string): Rule {
    const known = this.#rules.get(text);
    if (known !== undefined) return known;
    const program = plan(this.#env, parse(text.replace(/url\(((?:[^()]|\([^()]*\))*)\)\.getScheme\(\)/g, 'urlScheme($1)')));
    const rule: Rule = (self) => {
      const result = program({ self });
      return isCelError(result) ? `(${result.message})` : result === true ? undefined : '';
    };
    this.#rules.set(text, rule);
    return rule;
  }
}

const keyOf = (resource: Readonly<Record<string, unknown>>): string => `${String(resource['apiVersion']).split('/')[0]}/${String(resource['kind'])}`;

/** Go's url.ParseRequestURI: absolute, or a path from the root. */
function scheme(text: string): string | undefined {
  if (text.startsWith('/')) return '';
  return URL.canParse(text) && /^[a-z][a-z0-9+.-]*:\/?\//i.test(text) ? new URL(text).protocol.slice(0, -1) : undefined;
}

function childOf(schema: Schema, key: string): Schema | undefined {
  return schema.properties?.[key] ?? (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined);
}

/** Nulls are dropped where a field can neither be null nor has a default. */
function pruned(value: unknown, schema: Schema): unknown {
  if (Array.isArray(value)) return value.map((item) => pruned(item, schema.items ?? {}));
  if (typeof value !== 'object' || value === null || schema['x-kubernetes-preserve-unknown-fields'] === true) return value;
  const kept = Object.entries(value).flatMap(([key, item]): [string, unknown][] => {
    const child = childOf(schema, key);
    if (child === undefined) return schema.properties === undefined ? [[key, item]] : key === 'metadata' || key === 'apiVersion' || key === 'kind' ? [[key, item]] : [];
    return item === null && child.nullable !== true ? [] : [[key, pruned(item, child)]];
  });
  return Object.fromEntries(kept);
}

/** Integers as CEL has them, objects as maps. A field `namespace` has a second name, because rules cannot write the reserved word. */
function celValue(value: unknown, schema: Schema): CelInput {
  if (typeof value === 'number') return schema.type === 'integer' ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map((item) => celValue(item, schema.items ?? {}));
  if (typeof value === 'object' && value !== null) return new Map(Object.entries(value).flatMap(([key, item]) => (key === 'namespace' ? [key, '__namespace__'] : [key]).map((name) => [name, celValue(item, childOf(schema, key) ?? {})] as const)));
  return value as CelInput;
}
