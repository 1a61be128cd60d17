import type { RouteAction } from '../../xds/index.ts';
import type { HTTPRewrite } from './manifest.ts';

/** The rewrite of path and authority. */
export function compileRewrite(rewrite: HTTPRewrite): Pick<RouteAction, 'prefixRewrite' | 'regexRewrite' | 'hostRewriteLiteral'> {
  const regex = rewrite.uriRegexRewrite;
  return {
    ...(regex !== undefined ? { regexRewrite: { pattern: { regex: regex.match }, substitution: regex.rewrite } } : rewrite.uri === '' ? {} : { prefixRewrite: rewrite.uri }),
    ...(rewrite.authority === '' ? {} : { hostRewriteLiteral: rewrite.authority }),
  };
}
