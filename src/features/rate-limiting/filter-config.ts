const typedStructs = /\/(udpa|xds)\.type\.v[13]\.TypedStruct$/;

/** The type of a packed config, also when it is packed as a TypedStruct, as EnvoyFilters often write it; empty without one. */
export function configType(typedConfig: unknown): string {
  const config = fields(typedConfig);
  const type = text(config['@type']);
  return typedStructs.test(type) ? text(config['typeUrl'] ?? config['type_url']) : type;
}

/** A packed config with its own fields, in camelCase: proto3 JSON allows both spellings, and a TypedStruct keeps the one that was written. */
export function configFields<Config>(typedConfig: unknown): Config {
  const config = fields(typedConfig);
  return camelCased(typedStructs.test(text(config['@type'])) ? (config['value'] ?? {}) : config) as Config;
}

function camelCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCased);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key.startsWith('@') ? key : key.replace(/_([a-z0-9])/g, (_whole, letter: string) => letter.toUpperCase()), camelCased(inner)]));
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
