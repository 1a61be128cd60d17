/** How much of a manifest is read. Beyond these a file or document is refused with a diagnostic, and the others still come through. */
export const limits = {
  /** Characters of one file. */
  fileSize: 4 * 1024 * 1024,
  /** Words, signs and spaces of one file. */
  lexemes: 500_000,
  /** Separators, anchors and tags that follow each other with nothing between. */
  stray: 1_000,
  /** Nesting of maps and lists. */
  depth: 100,
  /** Values of one document, aliases counted each time they are used. */
  nodes: 200_000,
  /** Values of one file. */
  fileNodes: 600_000,
  /** Findings of one file; the rest are counted. */
  diagnostics: 500,
} as const;
