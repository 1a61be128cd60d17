import { Composer, Lexer, Parser, type CST, type Document, type LineCounter, type ParsedNode, type Tags } from 'yaml';
import { limits } from './limits.ts';

/** Why a document, or the rest of a file, is not read. */
export class Unreadable extends Error {
  readonly code: string;
  /** Characters from the file's start. */
  readonly offset: number;

  constructor(code: string, message: string, offset: number) {
    super(message);
    this.code = code;
    this.offset = offset;
  }
}

/** A value that is nested too deep. */
export const tooDeep = (offset: number): Unreadable => new Unreadable('WEFT0002', `Values are nested more than ${limits.depth} deep here.`, offset);

/** Kubernetes reads YAML 1.1, but without its dates, base-60 numbers, sets and binaries: those stay strings. Merge keys are ours. */
const dropped = new Set(['timestamp', 'binary', 'omap', 'pairs', 'set', 'merge']);
const customTags = (tags: Tags): Tags =>
  tags.filter((tag) => typeof tag === 'object' && !dropped.has(String(tag.tag).replace('tag:yaml.org,2002:', '')) && !('format' in tag && tag.format === 'TIME'));

/**
 * Yields a text's documents one by one, so that a bad one costs only itself. Throws {@link Unreadable} where the text is out of
 * bounds: the number of lexemes, stray separators and nesting are bounded before anything recursive or costly happens.
 */
export function* compose(text: string, lines: LineCounter): Generator<Document.Parsed<ParsedNode>> {
  const composer = new Composer<ParsedNode>({ version: '1.1', uniqueKeys: false, prettyErrors: false, logLevel: 'silent', customTags });
  for (const token of tokens(text, lines)) {
    checkDepth(token);
    yield* composer.next(token) as Iterable<Document.Parsed<ParsedNode>>;
  }
  yield* composer.end() as Iterable<Document.Parsed<ParsedNode>>;
}

function* tokens(text: string, lines: LineCounter): Generator<CST.Token> {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  let count = 0;
  let stray = 0;
  let before = '';
  for (const lexeme of new Lexer().lex(text)) {
    if (++count > limits.lexemes) throw new Unreadable('WEFT0002', `The file has more than ${limits.lexemes} words and signs; the rest is not read.`, parser.offset);
    if (separates(lexeme)) {
      if (separates(before) && ++stray > limits.stray) throw new Unreadable('WEFT0001', 'This is not valid YAML: signs without values between them.', parser.offset);
      before = lexeme;
    } else if (lexeme.trim() !== '') before = '';
    if (parser.stack.length > limits.depth) throw tooDeep(parser.offset);
    yield* parser.next(lexeme);
  }
  yield* parser.end();
}

const separates = (lexeme: string): boolean => lexeme === ',' || lexeme.startsWith('&') || lexeme.startsWith('!');

/** Bounds the depth of a document before it is composed, which recurses. */
function checkDepth(token: CST.Token): void {
  const open: { readonly token: CST.Token | null | undefined; readonly depth: number }[] = [{ token, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token: current, depth } = next;
    if (current === null || current === undefined) continue;
    if (depth > limits.depth) throw tooDeep(current.offset);
    if (current.type === 'document') open.push({ token: current.value, depth });
    if (!('items' in current)) continue;
    for (const item of current.items) open.push({ token: item.key, depth: depth + 1 }, { token: item.value, depth: depth + 1 });
  }
}
