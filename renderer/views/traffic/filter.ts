import type { Hop } from '../../lab/index.ts';

/** Which requests are wanted: all words must occur, and the outcome must be one of the chosen (none chosen: all). */
export interface Filter {
  readonly words: readonly string[];
  readonly outcomes: readonly string[];
}

/** A filter from what a person typed. */
export function parseFilter(text: string, outcomes: readonly string[]): Filter {
  return { words: text.toLowerCase().split(/\s+/).filter(word => word !== ''), outcomes };
}

const texts = new WeakMap<Hop['record'], string>();

/** Everything about a request that can be searched for, in lower case. */
function textOf({ record }: Hop): string {
  const known = texts.get(record);
  if (known !== undefined) return known;
  const { source, destination } = record;
  const text = [record.method, record.path, record.service, record.authority, source.app, source.version, source.pod, destination.app, destination.version, destination.pod, record.status, ...record.flags, record.requestId, record.traceId, record.protocol].join(' ').toLowerCase();
  texts.set(record, text);
  return text;
}

/** True when a request passes. */
export function passes(hop: Hop, { words, outcomes }: Filter): boolean {
  if (outcomes.length > 0 && !outcomes.includes(hop.outcome)) return false;
  if (words.length === 0) return true;
  const text = textOf(hop);
  return words.every(word => text.includes(word));
}
