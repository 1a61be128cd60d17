import { Document, parseAllDocuments } from 'yaml';
import type { SourceFile } from '../../manifest/index.ts';

/** The file that a switch writes to when no manifest of the user's is there to edit. */
export const switchFile = 'weft-switches.yaml';

/** Marks a resource that a switch made, so that clearing it removes it whole. */
export const madeBySwitch = { 'dev.weft/made-by': 'switch' } as const;

/** One resource inside a file: which document, and where in it (resources of a `List` stand below `items`). */
export interface Place {
  readonly file: string;
  readonly document: number;
  readonly path: readonly (string | number)[];
  readonly body: Body;
}

/** A resource as plain JSON. */
export interface Body {
  readonly kind?: string;
  readonly metadata?: { readonly name?: string; readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly items?: readonly Body[];
}

const options = { version: '1.1', uniqueKeys: false, logLevel: 'silent' } as const;

/** All resources of the files, with their places; documents that cannot be read are left out, the parser reports them elsewhere. */
export function places(files: readonly SourceFile[]): readonly Place[] {
  return files.flatMap((file) => documentsOf(file.text).flatMap((document, index) => {
    if (document.errors.length > 0) return [];
    const body = document.toJS() as Body | null;
    if (body === null || typeof body !== 'object') return [];
    if (Array.isArray(body.items)) return body.items.map((item: Body, i) => ({ file: file.path, document: index, path: ['items', i], body: inNamespace(item, file) }));
    return [{ file: file.path, document: index, path: [], body: inNamespace(body, file) }];
  }));
}

/** Whether a file may hold one of these words as a value: reading it costs far more than looking. YAML can only write a word otherwise with a backslash, but numbers and the like in many ways. */
export function mayHold({ text }: SourceFile, words: readonly string[]): boolean {
  return text.includes('\\') || words.some((word) => !/^[a-z]/i.test(word) || /^(true|false|null|nan|infinity)$/i.test(word) || text.includes(word));
}

function inNamespace(body: Body, { namespace }: SourceFile): Body {
  return namespace === undefined || body.metadata?.namespace !== undefined ? body : { ...body, metadata: { ...body.metadata, namespace } };
}

/** Changes one document of a file and writes only that one anew; comments and the other documents stay as they are. */
export function editDocument(files: readonly SourceFile[], place: Place, edit: (document: Document) => void): readonly SourceFile[] {
  return files.map((file) => {
    if (file.path !== place.file) return file;
    const documents = documentsOf(file.text);
    const document = documents[place.document];
    if (document === undefined) return file;
    const { start, end } = extent(file.text, documents, place.document);
    edit(document);
    const text = document.toString({ lineWidth: 0, indentSeq: !/^(\s*)\S[^\n]*:\n\1- /m.test(file.text.slice(start, end)), directives: false });
    return { ...file, text: file.text.slice(0, start) + text + file.text.slice(end) };
  });
}

/** Removes one document with its separator; a file of which nothing is left goes too. */
export function removeDocument(files: readonly SourceFile[], place: Place): readonly SourceFile[] {
  return files.flatMap((file) => {
    if (file.path !== place.file) return [file];
    const { start, end } = extent(file.text, documentsOf(file.text), place.document);
    const before = file.text.slice(0, start).replace(/\n?---[^\n]*\n$/, '\n');
    const text = before.trim() === '' ? file.text.slice(end).replace(/^---[^\n]*\n/, '') : before + file.text.slice(end);
    return text.replace(/^\s*---\s*$/gm, '').trim() === '' ? [] : [{ ...file, text }];
  });
}

/** Adds a resource at the end of the switches' own file. */
export function addResource(files: readonly SourceFile[], body: object): readonly SourceFile[] {
  const text = new Document(body, { version: '1.1' }).toString({ lineWidth: 0, directives: false });
  const existing = files.find((file) => file.path === switchFile);
  if (existing === undefined) return [...files, { path: switchFile, text: `# Written by Weft's switches. Edit it freely.\n${text}` }];
  return files.map((file) => (file === existing ? { ...file, text: `${file.text.trimEnd()}\n---\n${text}` } : file));
}

/** Where a document's own text starts and ends, its opening separator excluded. */
function extent(text: string, documents: readonly Document[], index: number): { start: number; end: number } {
  const [from, , end] = documents[index]?.range ?? [0, 0, text.length];
  // The first document's range leaves out the comments above it, which are written again with it.
  const opening = index === 0 ? 0 : from;
  const separator = /^(?:\s*---[^\n]*\n)?/.exec(text.slice(opening))?.[0].length ?? 0;
  return { start: opening + separator, end };
}

function documentsOf(text: string): readonly Document[] {
  const parsed = parseAllDocuments(text, options);
  return Array.isArray(parsed) ? parsed : [];
}
