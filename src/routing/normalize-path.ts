import type { HttpConnectionManager } from '../xds/index.ts';

/** What a connection manager does to paths before anything looks at them. */
export interface PathRules {
  readonly normalize: boolean;
  readonly mergeSlashes: boolean;
  readonly escapedSlashes: 'keep' | 'reject' | 'unescape' | 'redirect';
}

const escapedSlashes = { KEEP_UNCHANGED: 'keep', IMPLEMENTATION_SPECIFIC_DEFAULT: 'keep', REJECT_REQUEST: 'reject', UNESCAPE_AND_FORWARD: 'unescape', UNESCAPE_AND_REDIRECT: 'redirect' } as const;

/** The rules of a connection manager. */
export function pathRules({ normalizePath: normalize, mergeSlashes, pathWithEscapedSlashesAction }: HttpConnectionManager): PathRules {
  return { normalize: normalize === true, mergeSlashes: mergeSlashes === true, escapedSlashes: escapedSlashes[pathWithEscapedSlashesAction ?? 'KEEP_UNCHANGED'] };
}

/**
 * Normalises a path, its query aside: escaped slashes as configured, unreserved characters unescaped once, backslashes turned, dot segments
 * removed (RFC 3986 section 5.2.4), slashes merged. `undefined` when the path must be refused.
 * Source: Envoy, HttpConnectionManager normalize_path, merge_slashes, path_with_escaped_slashes_action.
 */
export function normalizePath(target: string, rules: PathRules): { readonly path: string; readonly redirect: boolean } | undefined {
  if (!/[%\\#]|\/\.|\/\//.test(target)) return { path: target, redirect: false };
  return normalized(withoutFragment(target), rules);
}

/** How the path would be read by who takes a fragment for a part of it; `undefined` without a fragment. Rules that deny look at it too. */
export function pathWithFragment(target: string, rules: PathRules): string | undefined {
  return target.includes('#') ? normalized(target, rules)?.path : undefined;
}

/** A fragment is never sent on: it is for the caller's own use (RFC 9110 section 7.1). */
function withoutFragment(target: string): string {
  const hash = target.indexOf('#');
  return hash < 0 ? target : target.slice(0, hash);
}

function normalized(target: string, rules: PathRules): { readonly path: string; readonly redirect: boolean } | undefined {
  const question = target.indexOf('?');
  let path = question < 0 ? target : target.slice(0, question);
  let redirect = false;
  if (rules.escapedSlashes !== 'keep' && /%(?:2f|5c)/i.test(path)) {
    if (rules.escapedSlashes === 'reject') return undefined;
    redirect = rules.escapedSlashes === 'redirect';
    path = path.replace(/%2f/gi, '/').replace(/%5c/gi, '\\');
  }
  if (rules.normalize) {
    if (/%(?![0-9a-f]{2})/i.test(path)) return undefined;
    path = path.replace(/%([0-9a-f]{2})/gi, unescapeUnreserved).replaceAll('\\', '/');
    path = withoutDotSegments(path);
  }
  if (rules.mergeSlashes) path = path.replace(/\/{2,}/g, '/');
  if (!path.startsWith('/') && path !== '*') return undefined;
  return { path: question < 0 ? path : path + target.slice(question), redirect };
}

/** Each escape is looked at once: `%2561` stays what it is. */
function unescapeUnreserved(escape: string, digits: string): string {
  const character = String.fromCharCode(Number.parseInt(digits, 16));
  return /[A-Za-z0-9._~-]/.test(character) ? character : escape;
}

function withoutDotSegments(path: string): string {
  if (!path.includes('/.')) return path;
  const kept: string[] = [];
  const segments = path.split('/').slice(1);
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1;
    if (segment === '..') kept.pop();
    else if (segment !== '.') {
      kept.push(segment);
      continue;
    }
    if (last) kept.push('');
  }
  return `/${kept.join('/')}`;
}
