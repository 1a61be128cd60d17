import type { SourceFile } from '../../../src/manifest/index.ts';

/** Something beyond the lab that a manifest asks for. */
export interface AskedConsent {
  /** What is sent back as consent. */
  readonly item: string;
  readonly why: string;
  /** Where it is asked for. */
  readonly file: string;
  readonly line: number;
  /** What that line says, without what it is indented by. */
  readonly text: string;
}

/** What these files ask for that a person has to allow item by item. The parser is loaded when it is needed first. */
export async function consentItems(files: readonly SourceFile[]): Promise<readonly AskedConsent[]> {
  const { consentNeeded, parseManifests } = await import('../../../src/manifest/index.ts');
  const items = parseManifests(files).resources.flatMap(resource => consentNeeded(resource));
  const lines = new Map(files.map(({ path, text }) => [path, text.split('\n')]));
  return [...new Map(items.map(({ item, why, file, line }) => [item, { item, why, file, line, text: lines.get(file)?.[line - 1]?.trim() ?? '' }])).values()];
}
