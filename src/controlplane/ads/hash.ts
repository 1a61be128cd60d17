import { createHash } from 'node:crypto';

/** A short hash of a text: equal content has an equal version. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
