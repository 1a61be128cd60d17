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
