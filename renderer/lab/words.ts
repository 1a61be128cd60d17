import type { DecisionStep, RequestRecord, ResponseFlag, Switches } from '../../src/contract/index.ts';
import type { Origin } from '../../src/xds/index.ts';

/** What one of Envoy's response flags means, for people. */
export interface FlagWords {
  /** Envoy's long name of the flag. */
  readonly term: string;
  /** Two or three words. */
  readonly name: string;
  /** One sentence: what happened. */
  readonly means: string;
  /** One sentence: what to do. */
  readonly advice: string;
}

const words = (term: string, name: string, means: string, advice: string): FlagWords => ({ term, name, means, advice });

/** Every flag that Weft sets, always explained the same way. Terms: Envoy, "Access log command operators", %RESPONSE_FLAGS%. */
export const flagWords: Readonly<Record<ResponseFlag, FlagWords>> = {
  NR: words('NoRouteFound', 'no route', 'No route matched the request, so the proxy had nowhere to send it.', 'Compare host, path and headers with the rules that lost in the decision below.'),
  NC: words('NoClusterFound', 'no such destination', 'The route names a destination that the proxy does not know.', 'Check that the host exists as a Service or ServiceEntry and that the subset is defined in its DestinationRule.'),
  UH: words('NoHealthyUpstream', 'no healthy endpoint', 'The destination was chosen, but none of its pods can take requests.', 'Check that pods with the subset’s labels exist and are ready.'),
  UF: words('UpstreamConnectionFailure', 'connection failed', 'The connection to the pod could not be made.', 'Check that the app listens on the Service’s targetPort, and that both sides agree on mTLS.'),
  UC: words('UpstreamConnectionTermination', 'connection broke', 'The pod closed the connection before its response was complete.', 'Look at the pod’s log for a crash or a restart at that time.'),
  UT: words('UpstreamRequestTimeout', 'timed out', 'The destination took longer than the route’s timeout allows.', 'Raise the timeout of the rule, or find out what makes the destination slow.'),
  UR: words('UpstreamRemoteReset', 'reset by the pod', 'The pod reset the request.', 'Look at the pod’s log at that time.'),
  URX: words('UpstreamRetryLimitExceeded', 'retries used up', 'Every attempt failed, and the rule allows no more of them.', 'Look at why the attempts failed: each has a step in the decision.'),
  UO: words('UpstreamOverflow', 'too many at once', 'A limit on connections or pending requests was reached, so the request was not sent.', 'Raise the limits in the DestinationRule’s connectionPool, or add pods.'),
  DC: words('DownstreamConnectionTermination', 'caller went away', 'The caller closed the connection before the response was complete.', 'Look at the caller’s own timeout: it may be shorter than the time that the answer takes.'),
  DI: words('DelayInjected', 'delay injected', 'A fault rule held the request back on purpose.', 'This is what the rule asks for. Clear the fault to end it.'),
  FI: words('FaultInjected', 'abort injected', 'A fault rule answered with an error on purpose; the destination never saw the request.', 'This is what the rule asks for. Clear the fault to end it.'),
  RL: words('RateLimited', 'rate limited', 'More requests came than the limit allows.', 'Slow the caller down, or raise the limit.'),
  RLSE: words('RateLimitServiceError', 'no word from the rate limiter', 'The rate limit service did not answer, and the filter refuses requests then.', 'See whether the control plane is connected, or allow requests without its word.'),
  UAEX: words('UnauthorizedExternalService', 'refused by the authorizer', 'The external authorization service said no.', 'Look at what the authorizer checks, and what the request carried.'),
  DT: words('DurationTimeout', 'open too long', 'The connection was open for longer than is allowed.', 'Raise the maximum connection duration, or connect again.'),
  DPE: words('DownstreamProtocolError', 'bad request on the wire', 'The caller sent something that is not valid HTTP.', 'Check the port’s protocol (its name or appProtocol), and what the caller sends.'),
  UPE: words('UpstreamProtocolError', 'bad response on the wire', 'The pod sent something that is not valid HTTP.', 'Check the port’s protocol (its name or appProtocol), and what the app sends.'),
  SI: words('StreamIdleTimeout', 'idle too long', 'Nothing moved on the request for longer than the idle timeout.', 'Find out which side stopped sending.'),
  IH: words('InvalidEnvoyRequestHeaders', 'invalid proxy header', 'The request carried a proxy header with a value that is not allowed.', 'Remove the x-envoy-… header from the request.'),
  UMSDR: words('UpstreamMaxStreamDurationReached', 'took too long', 'The request was open for longer than the maximum stream duration.', 'Raise the limit, or find out what makes the destination slow.'),
  LR: words('LocalReset', 'reset by the proxy', 'The proxy ended the connection itself.', 'Look at the decision for the step that ended it.'),
  OM: words('OverloadManager', 'proxy overloaded', 'The proxy was short of memory or connections and refused the request.', 'Lower the load, or give the pod more memory.'),
};

/** The words of a flag, or `undefined` for one that we do not set. */
export function wordsOf(flag: string): FlagWords | undefined {
  return Object.hasOwn(flagWords, flag) ? flagWords[flag as ResponseFlag] : undefined;
}

/** What happened, why, and what to do: one short sentence each; `why` and `advice` only when there is something to say. */
export interface Account {
  readonly what: string;
  readonly why?: string;
  readonly advice?: string;
  /** The line of YAML that is behind it. */
  readonly origin?: Origin;
}

/** A request in plain words, from its flags, its code and its decision. */
export function account(record: RequestRecord, others: readonly RequestRecord[] = []): Account {
  const denied = [record, ...others].find(each => each.details.startsWith('rbac_access_denied'));
  if (denied !== undefined) return deniedAccount(denied);
  const flag = leadingFlag(record.flags);
  if (flag !== undefined) return flagAccount(record, flag);
  if (record.protocol === 'tcp') return { what: `A TCP connection to ${serviceName(record)}, open for ${seconds(record.duration)}.` };
  if (record.details === 'direct_response') return withOrigin({ what: `The rule itself answered with ${record.status}; no pod was asked.` }, record);
  if (record.status >= 300 && record.status < 400 && record.endpoint === '') return withOrigin({ what: `Redirected with ${record.status}.`, why: 'A redirect rule matched.' }, record);
  if (record.status === 0) return { what: `${to(record)} sent no response.`, advice: 'Look at the pod’s log at that time.' };
  if (record.status >= 500) return { what: `${to(record)} answered with ${record.status}.`, why: 'The answer is the app’s own: the mesh passed it on unchanged.', advice: 'Look at the pod’s log, or at the requests that it made itself meanwhile.' };
  if (record.status >= 400) return { what: `${to(record)} answered with ${record.status}.`, why: 'The app refused this request as it is.', advice: record.status === 404 ? 'Check the path, and whether a rewrite changed it.' : 'Check what the caller sends.' };
  const why = decisive(record)?.why;
  const retried = record.retries > 0 ? ` after ${record.retries === 1 ? 'one retry' : `${record.retries} retries`}` : '';
  return { what: `${to(record)} answered with ${record.status} in ${seconds(record.duration)}${retried}.`, ...(why === undefined ? {} : { why: sentence(why) }), ...originOf(decisive(record)) };
}

/** Flags from the one that explains most to the one that explains least. */
const weight: readonly ResponseFlag[] = ['FI', 'UAEX', 'RL', 'NR', 'NC', 'UH', 'UO', 'UT', 'URX', 'UF', 'UC', 'UR', 'UPE', 'DPE', 'IH', 'UMSDR', 'SI', 'DT', 'OM', 'LR', 'DC', 'DI'];

/** The flag that explains a request best. */
export function leadingFlag(flags: readonly ResponseFlag[]): ResponseFlag | undefined {
  return weight.find(flag => flags.includes(flag));
}

function flagAccount(record: RequestRecord, flag: ResponseFlag): Account {
  const { means, advice, name } = flagWords[flag];
  const code = record.status === 0 ? 'No response' : String(record.status);
  const step = flagStep(record, flag);
  const detail = step?.why ?? step?.what;
  const subset = record.cluster.split('|')[2];
  const target = subset === undefined || subset === '' ? serviceName(record) : `${serviceName(record)} ${subset}`;
  const what = flag === 'DI' && record.status < 400
    ? `${code} after an injected delay: ${seconds(record.duration)} in all.`
    : `${code} ${flag}: ${name}${flag === 'NR' ? ` for ${record.authority}${record.path}` : ` for ${target}`}.`;
  return { what, why: detail === undefined || detail === '' ? means : `${means} ${sentence(detail)}`, advice, ...originOf(step) };
}

function deniedAccount(record: RequestRecord): Account {
  const policy = /\[(.+?)\]/.exec(record.details)?.[1];
  const step = record.decision.find(each => each.stage === 'filter' && each.origin?.kind === 'AuthorizationPolicy');
  return {
    what: `${record.status} denied by ${serviceName(record)}’s own proxy.`,
    why: `An authorization policy does not let this caller in${policy === undefined ? '' : ` (${policy.replace('none', 'no rule matched')})`}. The app never saw the request.`,
    advice: `Allow ${record.source.principal === '' ? 'the caller (it has no identity: the connection was not mTLS)' : record.source.principal}, or change what it asks for.`,
    ...originOf(step),
  };
}

/** The step where a flag was set: faults in a filter, the rest at the stage that failed. */
function flagStep(record: RequestRecord, flag: ResponseFlag): DecisionStep | undefined {
  const stages: readonly DecisionStep['stage'][] = flag === 'FI' || flag === 'DI' || flag === 'RL' || flag === 'UAEX' ? ['filter']
    : flag === 'NR' ? ['route', 'virtual-host', 'filter-chain', 'listener']
    : flag === 'NC' ? ['cluster', 'route'] : flag === 'UH' || flag === 'UO' ? ['endpoint', 'cluster']
    : flag === 'UT' ? ['response', 'route'] : flag === 'URX' ? ['retry', 'response'] : ['transport', 'endpoint', 'response'];
  for (const stage of stages) {
    const step = record.decision.findLast(each => each.stage === stage);
    if (step !== undefined) return step;
  }
  return undefined;
}

/** The step that a person wrote: the route, or the filter that acted. */
function decisive(record: RequestRecord): DecisionStep | undefined {
  return record.decision.find(step => step.stage === 'route' && step.origin !== undefined) ?? record.decision.find(step => step.stage === 'route');
}

function withOrigin(account: Account, record: RequestRecord): Account {
  return { ...account, ...originOf(decisive(record)) };
}

function originOf(step: DecisionStep | undefined): { readonly origin?: Origin } {
  return step?.origin === undefined ? {} : { origin: step.origin };
}

/** The short name of the service that was asked: `reviews` for `reviews.default.svc.cluster.local`. */
export function serviceName(record: Pick<RequestRecord, 'service' | 'destination' | 'authority'>): string {
  if (record.service !== '') return shortHost(record.service);
  return record.destination.app !== '' ? record.destination.app : record.authority;
}

/** `reviews` for a host of the cluster; other hosts as they are. */
export function shortHost(host: string): string {
  const [name, namespace, kind] = host.split('.');
  if (kind !== 'svc' || name === undefined) return host;
  return namespace === 'default' ? name : `${name}.${namespace ?? ''}`;
}

function to(record: RequestRecord): string {
  const { app, version } = record.destination;
  const name = app === '' ? serviceName(record) : app;
  return version === '' || version === 'latest' ? name : `${name} ${version}`;
}

function seconds(milliseconds: number): string {
  return milliseconds < 999.5 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(2)} s`;
}

function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === '') return '';
  if (/^[\d.]+ % of requests$/.test(trimmed)) return `The rule asks for it at ${trimmed}.`;
  return `${trimmed.charAt(0).toUpperCase()}${trimmed.slice(1)}${/[.!?]$/.test(trimmed) ? '' : '.'}`;
}

/** A fault rule in a few words: `delay 7 s at 20 %, abort 500 at 10 %`. */
export function faultWords({ delay, abort }: Pick<Switches['faults'][number], 'delay' | 'abort'>): string {
  const parts: string[] = [];
  if (delay !== undefined) parts.push(`delay ${delay.milliseconds < 1000 ? `${delay.milliseconds} ms` : `${delay.milliseconds / 1000} s`} at ${delay.percent} %`);
  if (abort !== undefined) parts.push(`abort ${abort.status} at ${abort.percent} %`);
  return parts.join(', ');
}

/** The same for the card of a service: `+7 s at 20 % · 500 at 10 %`. */
export function faultShort({ delay, abort }: Pick<Switches['faults'][number], 'delay' | 'abort'>): string {
  return [
    ...(delay === undefined ? [] : [`+${delay.milliseconds < 1000 ? `${delay.milliseconds} ms` : `${delay.milliseconds / 1000} s`} at ${delay.percent} %`]),
    ...(abort === undefined ? [] : [`${abort.status} at ${abort.percent} %`]),
  ].join(' · ');
}

/** What each mTLS mode means, in one sentence. Istio's words: PeerAuthentication. */
export const mtlsWords = {
  STRICT: 'Only mTLS is accepted; plaintext is refused.',
  PERMISSIVE: 'Both mTLS and plaintext are accepted.',
  DISABLE: 'Plaintext only; nobody proves who they are.',
} as const;

/** The stages of a decision in words. */
export const stageWords: Readonly<Record<DecisionStep['stage'], string>> = {
  listener: 'Listener', 'filter-chain': 'Filter chain', 'virtual-host': 'Virtual host', route: 'Route', filter: 'Filter', cluster: 'Cluster',
  endpoint: 'Endpoint', retry: 'Retry', transport: 'Transport', response: 'Response',
};

/** SPIFFE identity without its trust domain: `ns/default/sa/bookinfo-reviews`. */
export function shortPrincipal(principal: string): string {
  return principal.replace(/^spiffe:\/\/[^/]+\//, '');
}
