import type { RedirectAction } from '../../xds/index.ts';
import type { HTTPRedirect } from './manifest.ts';

const responseCodes: Readonly<Record<number, NonNullable<RedirectAction['responseCode']>>> = {
  301: 'MOVED_PERMANENTLY', 302: 'FOUND', 303: 'SEE_OTHER', 307: 'TEMPORARY_REDIRECT', 308: 'PERMANENT_REDIRECT',
};
const matchedPrefix = '%PREFIX()%';

/** A redirect. `tls` says whether the listener that the route is for terminates TLS; it decides the port that `FROM_PROTOCOL_DEFAULT` means. */
export function compileRedirect(redirect: HTTPRedirect, tls: boolean): RedirectAction {
  const port = redirect.port ?? (redirect.derivePort === 'FROM_PROTOCOL_DEFAULT' ? ((redirect.scheme === '' ? tls : redirect.scheme === 'https') ? 443 : 80) : undefined);
  return {
    ...(redirect.authority === '' ? {} : { hostRedirect: redirect.authority }),
    ...(redirect.prefixRewrite !== '' ? { prefixRewrite: redirect.prefixRewrite } : redirect.uri === '' ? {} : redirect.uri.startsWith(matchedPrefix) ? { prefixRewrite: redirect.uri.slice(matchedPrefix.length) } : { pathRedirect: redirect.uri }),
    ...(redirect.scheme === '' ? {} : { schemeRedirect: redirect.scheme }),
    ...(port === undefined ? {} : { portRedirect: port }),
    responseCode: responseCodes[redirect.redirectCode] ?? 'MOVED_PERMANENTLY',
  };
}
