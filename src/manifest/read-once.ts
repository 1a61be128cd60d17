import { groupOf } from './kinds/index.ts';
import { resourceName } from './guards.ts';
import type { ParsedManifests } from './parse.ts';
import type { SourceFile } from './types.ts';

/** Reads files, and each file once for as long as it says the same: a change of one file costs as much as that file. What is written twice in two files takes the long way, for its diagnostics. */
export function readingOnce(read: (files: readonly SourceFile[]) => ParsedManifests): (files: readonly SourceFile[]) => ParsedManifests {
  let known = new Map<string, ParsedManifests>();
  return (files) => {
    const next = new Map<string, ParsedManifests>();
    const parsed = files.map((file) => {
      const key = JSON.stringify([file.path, file.namespace, file.text]);
      const result = known.get(key) ?? read([file]);
      next.set(key, result);
      return result;
    });
    known = next;
    const resources = parsed.flatMap((one) => one.resources);
    const names = new Set(resources.map((resource) => `${groupOf(resource.apiVersion)}/${resourceName(resource)}`));
    return names.size === resources.length ? { resources, diagnostics: parsed.flatMap((one) => one.diagnostics) } : read(files);
  };
}
