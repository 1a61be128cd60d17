import type { MetadataJson } from './gen/envoy/config/core/v3/base_pb.ts';

/** The line of YAML that a piece of config comes from. Lines and columns start at 1. */
export interface Origin {
  readonly file: string;
  readonly line: number;
  readonly column?: number;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

/** The key below `metadata.filterMetadata` that carries an {@link Origin}. */
export const provenanceKey = 'dev.weft';

/** Metadata that names the origin; merges with metadata that is already there. */
export function withOrigin(from: Origin, metadata: MetadataJson = {}): MetadataJson {
  return { ...metadata, filterMetadata: { ...metadata.filterMetadata, [provenanceKey]: { ...from } } };
}

/** The origin that metadata names, if it names one. */
export function origin(metadata: MetadataJson | undefined): Origin | undefined {
  return metadata?.filterMetadata?.[provenanceKey] as unknown as Origin | undefined;
}

/** The lines of rules that are not resources of their own, such as those of authorization policies, by their name in the config. */
export type RuleOrigins = Readonly<Record<string, Origin>>;

const rulesKey = 'dev.weft.rules';

/** Metadata that names the origins of rules; merges with metadata that is already there. */
export function withRuleOrigins(rules: RuleOrigins, metadata: MetadataJson = {}): MetadataJson {
  if (Object.keys(rules).length === 0) return metadata;
  return { ...metadata, filterMetadata: { ...metadata.filterMetadata, [rulesKey]: Object.fromEntries(Object.entries(rules).map(([name, from]) => [name, { ...from }])) } };
}

/** The origins of rules that metadata names. */
export function ruleOrigins(metadata: MetadataJson | undefined): RuleOrigins {
  return (metadata?.filterMetadata?.[rulesKey] ?? {}) as unknown as RuleOrigins;
}
