import { compileString } from '../../routing/index.ts';
import type { AskingEnvironment, HttpRequest, OwnResponse } from '../../sidecar/hooks.ts';
import { milliseconds } from '../../util/envoy-json.ts';
import type { ExtAuthz, ExtAuthzHttpService } from '../../xds/index.ts';
import type { Beginning } from './filter-external-body.ts';
import { unchanged, type Answer } from './filter-external-types.ts';

type Named = (header: string) => boolean;
type Header = readonly [string, string];

/** Envoy's when a service says none. */
const defaultTimeout = 200;

/** Of one connection, or of this proxy's own making. */
const notOthers: ReadonlySet<string> = new Set(['connection', 'content-length', 'host', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade']);
/** Sent along whatever the config says: what is asked about cannot be judged without it. */
const always: ReadonlySet<string> = new Set(['authorization']);
/** A refusal tells these, whatever the config says. */
const alwaysTold: ReadonlySet<string> = new Set(['www-authenticate', 'location']);

/**
 * Asks with a request of the same method and path. 200 allows; 5xx is a failure of the service; anything else denies, and goes to the caller as it is.
 * Source: Envoy, extensions.filters.http.ext_authz.v3.HttpService.
 */
export function askByHttp(config: ExtAuthz, service: ExtAuthzHttpService, environment: AskingEnvironment): (request: HttpRequest, sent: Beginning | undefined) => Promise<Answer> {
  const { serverUri = {}, pathPrefix = '', authorizationRequest, authorizationResponse = {} } = service;
  const { cluster = '', timeout } = serverUri;
  const forwarded = names(config.allowedHeaders) ?? (() => false);
  const added = (authorizationRequest?.headersToAdd ?? []).map(({ key = '', value = '' }): Header => [key.toLowerCase(), value]);
  const told = { upstream: names(authorizationResponse.allowedUpstreamHeaders) ?? (() => false), success: names(authorizationResponse.allowedClientHeadersOnSuccess) ?? (() => false), denied: names(authorizationResponse.allowedClientHeaders) };
  return async (request, sent) => {
    const { method, path, authority, headers } = request;
    const own = [...headers.entries()].filter(([header]) => !notOthers.has(header) && (always.has(header) || forwarded(header)) && !added.some(([name]) => name === header));
    const body = sent?.bytes ?? Buffer.alloc(0);
    const partial: readonly Header[] = sent === undefined ? [] : [['x-envoy-auth-partial-body', String(!sent.whole)]];
    const asked = { method, path: `${pathPrefix}${path}`, authority, headers: [...own, ...partial, ...added, ['content-length', String(body.length)] as const], body };
    const answer = await environment.call(cluster, asked, milliseconds(timeout) ?? defaultTimeout);
    return 'unanswered' in answer ? { kind: 'failed', why: answer.unanswered } : judged(answer, told);
  };
}

function judged({ status, headers, body }: OwnResponse, told: { readonly upstream: Named; readonly success: Named; readonly denied: Named | undefined }): Answer {
  const why = `it answered ${status}`;
  if (status >= 500) return { kind: 'failed', why };
  const all = [...headers.entries()].filter(([header]) => !notOthers.has(header));
  if (status === 200) return { kind: 'allowed', why, upstream: { ...unchanged, set: all.filter(([header]) => told.upstream(header)) }, downstream: { ...unchanged, set: all.filter(([header]) => told.success(header)) } };
  return { kind: 'denied', why, status, body, headers: all.filter(([header]) => told.denied === undefined || told.denied(header) || alwaysTold.has(header)) };
}

/** `undefined` for no list. */
function names(list: ExtAuthz['allowedHeaders']): Named | undefined {
  if (list === undefined) return undefined;
  const tests = (list.patterns ?? []).map(compileString);
  return (header) => tests.some(({ test }) => test(header));
}
