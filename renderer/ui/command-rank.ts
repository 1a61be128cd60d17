/** What ranking looks at. */
export interface Ranked {
  readonly title: string;
  readonly hint?: string;
  readonly group: string;
}

/** Those that have every word of the query, best first; all of them, in their order, for an empty one. Pure. */
export function rank<Item extends Ranked>(query: string, items: readonly Item[]): readonly Item[] {
  const words = query.toLowerCase().split(/\s+/).filter(word => word !== '');
  if (words.length === 0) return items;
  return items
    .map((item, order) => ({ item, order, score: words.reduce((sum, word) => sum + scoreOf(word, item), 0) }))
    .filter(({ score }) => Number.isFinite(score))
    .sort((one, two) => two.score - one.score || one.order - two.order)
    .map(({ item }) => item);
}

/** Fewer letters are in order in nearly everything. */
const shortestAbbreviation = 4;

/** The start of the title counts most, then the start of a word in it, then anywhere, then the hint, then letters in order. */
function scoreOf(word: string, { title, hint = '', group }: Ranked): number {
  const text = title.toLowerCase();
  if (text.startsWith(word)) return 100 - text.length / 100;
  if (text.split(/[^a-z0-9]+/).some(part => part.startsWith(word))) return 60 - text.length / 100;
  if (text.includes(word)) return 40;
  if (`${hint} ${group}`.toLowerCase().includes(word)) return 20;
  return word.length >= shortestAbbreviation && inOrder(word, text) ? 5 : -Infinity;
}

function inOrder(word: string, text: string): boolean {
  let at = 0;
  for (const letter of word) {
    at = text.indexOf(letter, at) + 1;
    if (at === 0) return false;
  }
  return true;
}
