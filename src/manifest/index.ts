/** YAML in, typed resources with positions and diagnostics out. Pure. */
export type { Diagnostic, ObjectMeta, Position, Resource, SourceFile } from './types.ts';
