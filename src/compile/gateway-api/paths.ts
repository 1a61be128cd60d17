import type { PathModifier } from '../../manifest/index.ts';

/** A path rewrite in RE2: what is matched, and what is put there. */
export interface PathRewrite {
  readonly match: string;
  readonly rewrite: string;
}

/** A path prefix as it is compared: whole segments, so a slash at the end says nothing. */
export function trimPrefix(prefix: string): string {
  return prefix.length > 1 ? prefix.replace(/\/+$/, '') || '/' : prefix;
}

/**
 * The rewrite of a path modifier. A prefix is replaced by whole segments: `/foo` → `/` makes `/foo/bar` into `/bar`, and `/foo` into `/`.
 * Source: gateway-api.sigs.k8s.io, HTTPPathModifier.
 */
export function pathRewrite(modifier: PathModifier, prefix: string): PathRewrite | undefined {
  if (modifier.replaceFullPath !== undefined) return { match: '^.*$', rewrite: escaped(modifier.replaceFullPath) };
  if (modifier.replacePrefixMatch === undefined) return undefined;
  const replacement = modifier.replacePrefixMatch.replace(/\/+$/, '');
  const matched = prefix === '/' ? '' : quoted(trimPrefix(prefix));
  const keepsEnd = replacement === modifier.replacePrefixMatch && replacement !== '' && prefix !== '/';
  return keepsEnd ? { match: `^${matched}`, rewrite: escaped(replacement) } : { match: `^${matched}/?(.*)$`, rewrite: `${escaped(replacement)}/\\1` };
}

function quoted(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\');
}
