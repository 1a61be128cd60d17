import type { Report } from './report.ts';

type Key = Readonly<Record<string, unknown>>;

/** What each type of key must have. Source: RFC 7518, section 6; RFC 8037, section 2. */
const members: Readonly<Record<string, readonly string[]>> = { RSA: ['n', 'e'], EC: ['crv', 'x', 'y'], oct: ['k'], OKP: ['crv', 'x'] };
/** What only the owner of a key may know. */
const secret = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'];

/** Reports a text that is neither a JSON Web Key Set nor one such key, and keys that give their secret away. Source: RFC 7517. */
export function checkKeys(text: string, report: Report): void {
  const keys = readKeys(text);
  if (keys === undefined) return report.error('jwks is not a JSON Web Key Set.', 'Write {"keys": […]}.');
  keys.forEach((key, index) => {
    const fault = keyFault(key);
    if (fault !== undefined) report.error(`Key ${index + 1} of jwks ${fault}.`);
  });
  if (keys.some((key) => secret.some((part) => Object.hasOwn(key, part)))) report.warning('jwks holds a private or shared key: whoever reads this resource can make tokens.', 'Leave only the public part.');
  return undefined;
}

function readKeys(text: string): readonly Key[] | undefined {
  try {
    const value = JSON.parse(text) as Key | null;
    const keys = typeof value?.['kty'] === 'string' ? [value] : value?.['keys'];
    return Array.isArray(keys) && keys.every((key): key is Key => typeof key === 'object' && key !== null) ? keys : undefined;
  } catch {
    // Not JSON at all: the caller reports it.
    return undefined;
  }
}

function keyFault(key: Key): string | undefined {
  const { kty } = key;
  if (typeof kty !== 'string') return 'has no type (kty)';
  const needed = members[kty];
  if (needed === undefined) return `has the type “${kty}”, which nobody knows`;
  const missing = needed.filter((name) => typeof key[name] !== 'string' || key[name] === '');
  return missing.length === 0 ? undefined : `has no ${missing.join(' and ')}`;
}
