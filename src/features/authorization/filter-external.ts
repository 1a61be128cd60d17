import { compileMetadata } from '../../routing/index.ts';
import type { AskingEnvironment, ConnectionFilterFactory, HttpHandler, HttpRequest, HttpResponse, ManagerEnvironment, ManagerFilterFactory } from '../../sidecar/hooks.ts';
import type { ExtAuthz, NetworkExtAuthz } from '../../xds/index.ts';
import { beginningOf, type Beginning } from './filter-external-body.ts';
import { askByGrpc, connectionQuestion, requestQuestion } from './filter-external-grpc.ts';
import { askByHttp } from './filter-external-http.ts';
import type { Answer, Changes } from './filter-external-types.ts';

const name = 'envoy.filters.http.ext_authz';

/** Finds out what the provider says of a request; `sent` is what is sent along of its body. */
type Authorizer = (request: HttpRequest, sent: Beginning | undefined) => Promise<Answer>;

/**
 * Asks a service about each request that the rules before it single out, and goes on only when that allows it. When the service does not answer,
 * requests are refused unless `failureModeAllow` is set. Source: Envoy, External Authorization (ext_authz).
 */
export const externalAuthorizationFilter: ManagerFilterFactory<ExtAuthz> = (config, environment) => {
  const authorizer = authorizerOf(config, environment);
  const provider = config.statPrefix ?? '';
  const concerned = matcher(config);
  return (next) => async (request) => {
    const { stream } = request;
    if (!concerned((filter) => stream.metadata.get(filter))) return next(request);
    const body = await bodyFor(config, request);
    if (body === 'too long') {
      stream.details = 'request_payload_too_large';
      stream.step({ stage: 'filter', what: `${name}: refused`, why: `the body is longer than the ${config.withRequestBody?.maxRequestBytes ?? 0} bytes that ${provider} may be sent` });
      return environment.reply(413, 'Payload Too Large');
    }
    const answer = await authorizer(request, body);
    const verdict = answer.kind === 'failed' && config.failureModeAllow === true ? { ...answer, kind: 'passed' as const } : answer;
    stream.step({ stage: 'filter', what: `${name}: ${verdict.kind === 'failed' ? 'refused' : verdict.kind === 'passed' ? 'let pass' : verdict.kind}`, why: `${provider}: ${verdict.why}` });
    switch (verdict.kind) {
      case 'passed': return next(request);
      case 'allowed': return goOn(verdict, request, next);
      case 'denied': return refuse(request, 'ext_authz_denied', verdict, environment);
      case 'failed': return refuse(request, 'ext_authz_error', { status: Number(config.statusOnError?.code ?? 403), headers: [], body: Buffer.alloc(0) }, environment);
    }
  };
};

function matcher({ filterEnabledMetadata: wanted }: Pick<ExtAuthz, 'filterEnabledMetadata'>): (metadata: (filter: string) => unknown) => boolean {
  if (wanted === undefined) return () => true;
  const test = compileMetadata(wanted);
  return (metadata) => test.test(test.pick(metadata(test.filter)));
}

/** Throws on a config that says nobody to ask. */
function authorizerOf(config: ExtAuthz, environment: AskingEnvironment): Authorizer {
  const { httpService, grpcService } = config;
  if (httpService !== undefined) return askByHttp(config, httpService, environment);
  if (grpcService === undefined) throw new Error('external authorization needs httpService or grpcService');
  const ask = askByGrpc(grpcService, environment);
  return (request, sent) => ask(requestQuestion(config, request, sent, environment));
}

/** What is sent along of the body; `undefined` when nothing is. Requests that switch protocols have none. */
async function bodyFor({ withRequestBody }: ExtAuthz, request: HttpRequest): Promise<Beginning | undefined | 'too long'> {
  if (withRequestBody === undefined || request.upgrade !== '') return undefined;
  const found = await beginningOf(request.body, withRequestBody.maxRequestBytes ?? 0);
  request.body = found.body;
  return found.whole || withRequestBody.allowPartialMessage === true ? found : 'too long';
}

async function goOn({ upstream, downstream, metadata, parameters }: Extract<Answer, { kind: 'allowed' }>, request: HttpRequest, next: HttpHandler): Promise<HttpResponse> {
  change(request.headers, upstream);
  if (parameters !== undefined) request.path = parameters(request.path);
  if (metadata !== undefined) request.stream.metadata.set(name, metadata);
  const response = await next(request);
  change(response.headers, downstream);
  return response;
}

function change(headers: HttpRequest['headers'], { set, add, remove }: Changes): void {
  for (const header of remove) headers.delete(header);
  for (const [header] of set) headers.delete(header);
  for (const [header, value] of [...set, ...add]) headers.add(header, value);
}

function refuse({ stream }: HttpRequest, details: string, { status, headers, body }: { readonly status: number; readonly headers: readonly (readonly [string, string])[]; readonly body: Buffer }, environment: ManagerEnvironment): HttpResponse {
  stream.flags.add('UAEX');
  stream.details = details;
  const response = environment.reply(status, '', headers);
  response.body = environment.body(body);
  response.headers.set('content-length', String(body.length));
  if (body.length > 0 && !response.headers.has('content-type')) response.headers.set('content-type', 'text/plain');
  return response;
}

/** Asks about a connection that is not HTTP, before anything of it goes anywhere. Source: Envoy, network filter ext_authz. */
export const connectionCheck: ConnectionFilterFactory<NetworkExtAuthz> = (config, _rules, environment) => {
  if (config.grpcService === undefined) throw new Error('external authorization of connections needs grpcService');
  const ask = askByGrpc(config.grpcService, environment);
  const provider = (config.statPrefix ?? '').replace(/^tcp\./, '');
  const concerned = matcher(config);
  const networkName = 'envoy.filters.network.ext_authz';
  return async (connection, metadata) => {
    if (!concerned((filter) => metadata.get(filter))) return { denied: '', steps: [] };
    const answer = await ask(connectionQuestion(connection, environment));
    const open = answer.kind === 'failed' && config.failureModeAllow === true;
    const what = answer.kind === 'failed' ? (open ? 'let pass' : 'refused') : answer.kind;
    const steps = [{ stage: 'filter' as const, what: `${networkName}: ${what}`, why: `${provider}: ${answer.why}` }];
    return { denied: answer.kind === 'allowed' || open ? '' : answer.kind === 'failed' ? 'ext_authz_error' : 'ext_authz_denied', steps };
  };
};
