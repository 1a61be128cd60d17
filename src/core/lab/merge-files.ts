import type { FileChange } from '../../contract/index.ts';
import type { SourceFile } from '../../manifest/index.ts';
import { editDocument, mayHold, places, removeDocument, type Place } from '../switches/documents.ts';

/** What a resource is known by: applying it again replaces it, wherever it stands. */
function identity({ body }: Place): string {
  return `${body.kind ?? ''} ${body.metadata?.namespace ?? 'default'}/${body.metadata?.name ?? ''}`;
}

/**
 * The lab's files after `kubectl apply` of others: files of the same path are replaced, and a resource that a new file holds is taken out of
 * the old file that held it, so that each resource stands in one place.
 */
export function applyFiles(held: readonly SourceFile[], given: readonly SourceFile[]): readonly SourceFile[] {
  const replaced = new Set(given.map((file) => file.path));
  const mine = new Set(places(given).map(identity));
  const kept = removeResources(held.filter((file) => !replaced.has(file.path)), mine);
  const updated = held.flatMap((file) => given.filter((other) => other.path === file.path));
  const order = held.map((file) => file.path);
  const stay = [...kept, ...updated].sort((a, b) => order.indexOf(a.path) - order.indexOf(b.path));
  return [...stay, ...given.filter((file) => !order.includes(file.path))].filter((file) => file.text.trim() !== '');
}

/** The lab's files without the resources that the given files hold, as `kubectl delete -f`. */
export function deleteFiles(held: readonly SourceFile[], given: readonly SourceFile[]): readonly SourceFile[] {
  return removeResources(held, new Set(places(given).map(identity)));
}

function removeResources(files: readonly SourceFile[], identities: ReadonlySet<string>): readonly SourceFile[] {
  const names = [...identities].map((name) => name.slice(name.lastIndexOf('/') + 1));
  let result = files;
  for (;;) {
    const found = places(result.filter((file) => mayHold(file, names))).findLast((place) => identities.has(identity(place)));
    if (found === undefined) return result;
    result = found.path.length === 0 ? removeDocument(result, found) : editDocument(result, found, (document) => { document.deleteIn(found.path); });
  }
}

/** What differs, file by file. */
export function changesBetween(before: readonly SourceFile[], after: readonly SourceFile[]): readonly FileChange[] {
  const text = (files: readonly SourceFile[], path: string): string => files.find((file) => file.path === path)?.text ?? '';
  return [...new Set([...before, ...after].map((file) => file.path))].map((path) => ({ path, before: text(before, path), after: text(after, path) }))
    .filter((change) => change.before !== change.after);
}
