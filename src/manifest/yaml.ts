import { LineCounter, isAlias, isMap, isScalar, isSeq, type Document, type Node, type Pair, type ParsedNode } from 'yaml';
import { Unreadable, compose, tooDeep } from './compose.ts';
import { limits } from './limits.ts';
import type { Diagnostic, Position, SourceFile } from './types.ts';

/** A step on the way to a value. */
export type Path = readonly (string | number)[];

/** One YAML document that is not empty: its plain JSON, and where everything stands. */
export interface YamlDocument {
  readonly value: unknown;
  /** Where a path stands: its key, or its list item; the nearest parent when it is not written. */
  locate(path: Path): Position;
}

/** The result of reading one file. */
export interface YamlFile {
  readonly documents: readonly YamlDocument[];
  readonly diagnostics: readonly Diagnostic[];
}

/** A text's first YAML document as plain JSON; `undefined` when it has none that reads. */
export function readPlainYaml(text: string): unknown {
  return readYaml({ path: '', text }).documents[0]?.value;
}

/** Reads a file's YAML (or JSON) documents. Never throws: what cannot be read is a diagnostic, and reading goes on after it. */
export function readYaml(file: SourceFile): YamlFile {
  const lines = new LineCounter();
  const diagnostics: Diagnostic[] = [];
  const report = (code: string, message: string, offset: number, help?: string): void => {
    const { line, col } = lines.linePos(Math.min(offset, file.text.length));
    diagnostics.push({ code, level: 'error', message, file: file.path, line: Math.max(1, line), column: Math.max(1, col), ...(help !== undefined && { help }) });
  };
  if (file.text.length > limits.fileSize) {
    report('WEFT0002', `The file has ${file.text.length} characters; at most ${limits.fileSize} are read.`, 0, 'Split it.');
    return { documents: [], diagnostics };
  }
  const documents: YamlDocument[] = [];
  let budget: number = limits.fileNodes;
  try {
    for (const document of compose(file.text, lines)) {
      const failed = document.errors.slice(0, 5);
      for (const error of failed) report('WEFT0001', `This is not valid YAML: ${firstLine(error.message)}.`, error.pos[0]);
      if (failed.length > 0 || isEmpty(document.contents)) continue;
      try {
        const reader = new Reader(document, lines, Math.min(limits.nodes, budget), report);
        documents.push(reader);
        budget -= reader.used;
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error;
        report(error.code, error.message, error.offset);
      }
    }
  } catch (error) {
    if (error instanceof Unreadable) report(error.code, error.message, error.offset);
    else report('WEFT0001', `The YAML cannot be read: ${firstLine(error instanceof Error ? error.message : String(error))}.`, lines.lineStarts.at(-1) ?? 0);
  }
  return { documents, diagnostics };
}

const isEmpty = (node: Node | null): boolean => node === null || (isScalar(node) && node.value === null && node.anchor === undefined);
const firstLine = (message: string): string => (message.split('\n')[0] ?? '').replace(/[.:]$/, '').slice(0, 200);
const offsetOf = (node: unknown): number => (node as { range?: readonly number[] | null } | null)?.range?.[0] ?? 0;

type Report = (code: string, message: string, offset: number, help?: string) => void;

/** Turns one composed document into plain JSON, and remembers its nodes for {@link YamlDocument.locate}. */
class Reader implements YamlDocument {
  readonly value: unknown;
  used = 0;
  readonly #root: Node | null;
  readonly #lines: LineCounter;
  readonly #limit: number;
  readonly #report: Report;
  readonly #anchors = new Map<string, Node>();
  readonly #targets = new Map<Node, Node>();

  constructor(document: Document.Parsed<ParsedNode>, lines: LineCounter, limit: number, report: Report) {
    this.#root = document.contents;
    this.#lines = lines;
    this.#limit = limit;
    this.#report = report;
    this.value = this.#read(this.#root, 0);
  }

  locate(path: Path): Position {
    let node: unknown = this.#root;
    let offset = offsetOf(node);
    for (const step of path) {
      const found = this.#child(this.#resolve(node), step);
      if (found === undefined) break;
      offset = found.offset;
      node = found.node;
    }
    const { line, col } = this.#lines.linePos(offset);
    return { line, column: col };
  }

  #child(node: unknown, step: string | number): { node: unknown; offset: number } | undefined {
    if (isSeq(node)) {
      const item = typeof step === 'number' ? node.items[step] : undefined;
      return item === undefined ? undefined : { node: item, offset: offsetOf(item) };
    }
    if (!isMap(node)) return undefined;
    const pair = node.items.findLast((candidate) => this.#key(candidate) === String(step));
    if (pair !== undefined) return { node: pair.value, offset: offsetOf(pair.key) };
    for (const merged of node.items.filter(isMerge)) {
      for (const source of this.#mergeSources(merged)) {
        const found = this.#child(source, step);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }

  #resolve(node: unknown): unknown {
    return isAlias(node) ? this.#targets.get(node) : node;
  }

  #key(pair: Pair): string | undefined {
    const key = this.#resolve(pair.key);
    return isScalar(key) ? scalarKey(key.value) : undefined;
  }

  #read(node: unknown, depth: number): unknown {
    if (++this.used > this.#limit) throw new Unreadable('WEFT0002', 'The document has too many values (aliases count each time they are used).', offsetOf(node));
    if (depth > limits.depth) throw tooDeep(offsetOf(node));
    if (isAlias(node)) return this.#readAlias(node, node.source, depth);
    const anchor = (node as Node & { anchor?: string } | null)?.anchor;
    if (anchor !== undefined) this.#anchors.set(anchor, node as Node);
    if (isMap(node)) return this.#readMap(node.items, depth);
    if (isSeq(node)) return node.items.map((item) => this.#read(item, depth + 1));
    return isScalar(node) ? plain(node.value, node.source) : null;
  }

  #readAlias(node: Node, name: string, depth: number): unknown {
    const target = this.#anchors.get(name);
    if (target === undefined) throw new Unreadable('WEFT0001', `The alias *${name} has no anchor before it.`, offsetOf(node));
    this.#targets.set(node, target);
    return this.#read(target, depth + 1);
  }

  #readMap(pairs: readonly Pair[], depth: number): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    const seen = new Set<string>();
    for (const pair of pairs) {
      if (isMerge(pair)) continue;
      const key = this.#readKey(pair);
      if (seen.has(key)) this.#report('WEFT0004', `The key “${key.slice(0, 80)}” is written twice in this map; only the last one would count.`, offsetOf(pair.key), 'Remove one of them.');
      seen.add(key);
      result[key] = this.#read(pair.value, depth + 1);
    }
    for (const merged of pairs.filter(isMerge)) this.#merge(merged, result, depth);
    return result;
  }

  #readKey(pair: Pair): string {
    if (isAlias(pair.key)) this.#readAlias(pair.key, pair.key.source, 0);
    const key = this.#key(pair);
    if (key === undefined) throw new Unreadable('WEFT0001', 'A key must be a plain value, not a map or a list.', offsetOf(pair.key));
    if (key === '__proto__') throw new Unreadable('WEFT0001', 'The key “__proto__” is not accepted.', offsetOf(pair.key));
    const anchor = isScalar(pair.key) ? pair.key.anchor : undefined;
    if (anchor !== undefined) this.#anchors.set(anchor, pair.key as Node);
    return key;
  }

  #merge(pair: Pair, into: Record<string, unknown>, depth: number): void {
    const value = this.#read(pair.value, depth + 1);
    for (const source of Array.isArray(value) ? value : [value]) {
      if (typeof source !== 'object' || source === null || Array.isArray(source)) throw new Unreadable('WEFT0001', 'Only maps can be merged with “<<”.', offsetOf(pair.key));
      for (const [key, merged] of Object.entries(source)) if (!Object.hasOwn(into, key)) into[key] = merged;
    }
  }

  #mergeSources(pair: Pair): readonly unknown[] {
    const value = this.#resolve(pair.value);
    return isSeq(value) ? value.items.map((item) => this.#resolve(item)) : [value];
  }
}

const isMerge = (pair: Pair): boolean => isScalar(pair.key) && pair.key.type === 'PLAIN' && pair.key.value === '<<';
const scalarKey = (value: unknown): string => (value === null ? 'null' : String(value));

/** A scalar as JSON has it: what JSON cannot say stays the text that was written. */
function plain(value: unknown, source: string | undefined): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  return source ?? String(value);
}
