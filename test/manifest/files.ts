import { parseManifests, type ParsedManifests } from '../../src/manifest/index.ts';

/** Parses one text as `test.yaml`. */
export function parseText(text: string): ParsedManifests {
  return parseManifests([{ path: 'test.yaml', text }]);
}

/** Findings as `level CODE line:column path`, for tables. */
export function brief({ diagnostics }: Pick<ParsedManifests, 'diagnostics'>): readonly string[] {
  return diagnostics.map(({ level, code, line, column, path }) => `${level} ${code} ${line}:${column}${path === undefined ? '' : ` ${path}`}`);
}
