import type { CorsPolicy } from '../../features/cors/manifest.ts';
import type { HeaderModifier, HTTPRoute, HTTPRouteFilter, Resource } from '../../manifest/index.ts';
import type { Backend } from './backends.ts';
import { pathRewrite, type PathRewrite } from './paths.ts';
import type { Problem } from './references.ts';

type Rule = HTTPRoute;
type Operations = NonNullable<NonNullable<Rule['headers']>['request']>;

/** What filters say, in the fields of a VirtualService's rule. */
export interface FilterFields {
  readonly fields: Partial<Rule>;
  /** A redirect of the path that a VirtualService has no field for. */
  readonly redirectPath?: PathRewrite;
  /** A filter that cannot be run: requests must not go on without it. */
  readonly failed?: Problem;
  /** Backends of mirrors that were not found. */
  readonly missing: readonly Problem[];
  /** It answers, or changes more than headers: a share of a rule cannot have it. */
  readonly wholeRule: boolean;
}

/** Where filters stand. */
export interface FilterContext {
  readonly route: Resource;
  /** The prefix that the rule matches; `/` for other matches. */
  readonly prefix: string;
  /** The listener's port; unset in the mesh, where the caller's stays. */
  readonly port: number | undefined;
  readonly backend: (reference: NonNullable<HTTPRouteFilter['requestMirror']>['backendRef']) => Backend;
}

/** Translates the filters of a rule or of one backend. Source: gateway-api.sigs.k8s.io, HTTPRouteFilter. */
export function translateFilters(filters: readonly HTTPRouteFilter[], context: FilterContext): FilterFields {
  const missing: Problem[] = [];
  let fields: Partial<Rule> = {};
  let redirectPath: PathRewrite | undefined;
  let failed: Problem | undefined;
  for (const filter of filters) {
    switch (filter.type) {
      case 'RequestHeaderModifier': fields = { ...fields, headers: { ...fields.headers, request: operations(filter.requestHeaderModifier) } }; break;
      case 'ResponseHeaderModifier': fields = { ...fields, headers: { ...fields.headers, response: operations(filter.responseHeaderModifier) } }; break;
      case 'RequestMirror': {
        const backend = filter.requestMirror === undefined ? undefined : context.backend(filter.requestMirror.backendRef);
        if (backend?.kind === 'missing') missing.push(backend.problem);
        else if (backend !== undefined) fields = { ...fields, mirrors: [...(fields.mirrors ?? []), { destination: destination(backend), percentage: mirrorShare(filter.requestMirror) }] };
        break;
      }
      case 'RequestRedirect':
        fields = { ...fields, redirect: redirect(filter.requestRedirect, context.port) };
        redirectPath = filter.requestRedirect?.path === undefined ? undefined : pathRewrite(filter.requestRedirect.path, context.prefix);
        break;
      case 'URLRewrite': fields = { ...fields, rewrite: rewrite(filter.urlRewrite, context.prefix) }; break;
      case 'CORS': if (filter.cors !== undefined) fields = { ...fields, corsPolicy: cors(filter.cors) }; break;
      default: failed = { reason: 'UnsupportedValue', message: `A filter of type ${filter.type} is not supported.` };
    }
  }
  const wholeRule = fields.redirect !== undefined || (fields.mirrors?.length ?? 0) > 0 || fields.corsPolicy !== undefined || fields.rewrite?.uriRegexRewrite !== undefined;
  return { fields, missing, wholeRule, ...(redirectPath === undefined ? {} : { redirectPath }), ...(failed === undefined ? {} : { failed }) };
}

/** A destination as VirtualServices write it. */
export function destination({ host, port }: { readonly host: string; readonly port: number }): { readonly host: string; readonly subset: string; readonly port: { readonly number: number } } {
  return { host, subset: '', port: { number: port } };
}

/** Of two entries for a header, whatever their case, the first counts. A percent sign is one, not a command of Envoy's. */
function operations(modifier: HeaderModifier | undefined): Operations {
  const map = (entries: HeaderModifier['set']): Record<string, string> => {
    const values = new Map<string, string>();
    for (const { name, value } of entries) if (!values.has(name.toLowerCase())) values.set(name.toLowerCase(), value.replaceAll('%', '%%'));
    return Object.fromEntries(values);
  };
  return { set: map(modifier?.set ?? []), add: map(modifier?.add ?? []), remove: [...(modifier?.remove ?? [])] };
}

function mirrorShare(mirror: HTTPRouteFilter['requestMirror']): number {
  if (mirror?.fraction !== undefined) return mirror.fraction.denominator <= 0 ? 0 : (mirror.fraction.numerator / mirror.fraction.denominator) * 100;
  return mirror?.percent ?? 100;
}

/** Without a port, a scheme's own counts; without a scheme either, the listener's. */
function redirect(written: HTTPRouteFilter['requestRedirect'], listenerPort: number | undefined): NonNullable<Rule['redirect']> {
  const port = written?.port ?? (written?.scheme === undefined ? listenerPort : undefined);
  return {
    uri: '', prefixRewrite: '', authority: written?.hostname ?? '', scheme: written?.scheme ?? '', redirectCode: written?.statusCode ?? 302,
    ...(port !== undefined ? { port } : written?.scheme === undefined ? {} : { derivePort: 'FROM_PROTOCOL_DEFAULT' as const }),
  };
}

function rewrite(written: HTTPRouteFilter['urlRewrite'], prefix: string): NonNullable<Rule['rewrite']> {
  const path = written?.path === undefined ? undefined : pathRewrite(written.path, prefix);
  return { uri: '', authority: written?.hostname ?? '', ...(path === undefined ? {} : { uriRegexRewrite: { match: path.match, rewrite: path.rewrite } }) };
}

function cors(written: NonNullable<HTTPRouteFilter['cors']>): CorsPolicy {
  return {
    allowOrigin: [],
    allowOrigins: written.allowOrigins.map((origin) => (origin.includes('*') ? { kind: 'regex', value: origin === '*' ? '.*' : origin.replace(/[\\.+?()|[\]{}^$]/g, '\\$&').replaceAll('*', '.*') } : { kind: 'exact', value: origin })),
    allowMethods: [...written.allowMethods], allowHeaders: [...written.allowHeaders], exposeHeaders: [...written.exposeHeaders],
    maxAge: written.maxAge * 1000, allowCredentials: written.allowCredentials,
  };
}
