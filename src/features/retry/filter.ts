import type { FilterEnvironment, HttpFilterFactory, HttpHandler, HttpRequest, HttpResponse, RouteScope } from '../../sidecar/hooks.ts';
import { milliseconds } from '../../util/envoy-json.ts';
import type { RetryPolicy } from '../../xds/index.ts';
import { replayable, type Replay } from './filter-replay.ts';
import { retryConditions } from './filter-conditions.ts';

const previousHosts = 'envoy.retry_host_predicates.previous_hosts';
const previousPriorities = 'envoy.retry_priorities.previous_priorities';

/** Tries again when an attempt fails in a way that the policy names. Source: Envoy, config.route.v3.RetryPolicy. */
export const retryFilter: HttpFilterFactory<RouteScope> = ({ route, virtualHost }, environment) => {
  const policy = route.route === undefined ? undefined : (route.route.retryPolicy ?? virtualHost.retryPolicy);
  const most = policy === undefined ? 0 : (policy.numRetries ?? 1);
  const perTry = milliseconds(policy?.perTryTimeout) ?? 0;
  const countAttempts = virtualHost.includeRequestAttemptCount === true;
  if (policy === undefined || (Number(most) === 0 && perTry === 0)) return countAttempts ? (next) => (request) => next(counted(request, 1)) : undefined;
  const conditions = retryConditions(policy);
  const avoids = (policy.retryHostPredicate ?? []).some(({ name }) => name === previousHosts);
  const backoff = backoffOf(policy);
  const why = environment.origin === undefined ? {} : { origin: environment.origin };
  const attemptOnce = (next: HttpHandler, request: HttpRequest, body: Replay, attempt: number): Promise<HttpResponse> => {
    request.body = body.again();
    if (countAttempts) counted(request, attempt);
    return tryOnce(next, request, perTry, environment);
  };
  /** Goes on after an attempt whose response says why there should be another. */
  const tryAgain = async (next: HttpHandler, request: HttpRequest, body: Replay, failed: { readonly response: HttpResponse; readonly reason: string }): Promise<HttpResponse> => {
    const { stream } = request;
    const elsewhere = otherPriorities(policy);
    let { response, reason } = failed;
    for (let attempt = 1; ; attempt++) {
      if (attempt > Number(most)) {
        stream.flags.add('URX');
        environment.retries.spent(stream.cluster);
        return response;
      }
      if (!body.replays) return response;
      const over = environment.retries.take(stream.cluster);
      if (over === undefined) {
        stream.flags.add('UO');
        stream.step({ stage: 'retry', what: 'no retry', why: `${reason}, but the cluster’s limit of retries is reached`, ...why });
        return response;
      }
      response.body.cancel('retried');
      elsewhere(stream);
      forget(request, avoids);
      stream.step({ stage: 'retry', what: `retry ${attempt} of ${Number(most)}`, why: reason, ...why });
      await new Promise<void>((resolve) => stream.whenDone(environment.clock.after(backoff(attempt, environment.random()), resolve)));
      response = await attemptOnce(next, request, body, attempt + 1);
      const again = conditions(response, stream.failure);
      over(again === undefined);
      if (again === undefined) return response;
      reason = again;
    }
  };
  return (next) => (request) => {
    const body = replayable(request.body);
    return attemptOnce(next, request, body, 1).then((response) => {
      const reason = conditions(response, request.stream.failure);
      return reason === undefined ? response : tryAgain(next, request, body, { response, reason });
    });
  };
};

/** One attempt; with a time limit of its own it ends as 504. */
function tryOnce(next: HttpHandler, request: HttpRequest, limit: number, { clock, reply }: FilterEnvironment): Promise<HttpResponse> {
  if (limit === 0) return next(request);
  const { stream } = request;
  return new Promise((resolve, reject) => {
    let answered = false;
    const cancelTimer = clock.after(limit, () => {
      answered = true;
      stream.flags.add('UT');
      stream.details = 'upstream_per_try_timeout';
      stream.attempt?.cancel('timeout');
      stream.failure = 'per-try-timeout';
      resolve(reply(504, 'upstream request timeout'));
    });
    stream.whenDone(cancelTimer);
    next(request).then((response) => {
      cancelTimer();
      if (answered) response.body.cancel('per try timeout');
      else resolve(response);
    }, reject);
  });
}

/** What the failed attempt left behind does not belong to the next one. */
function forget({ stream }: HttpRequest, avoids: boolean): void {
  stream.retries++;
  for (const flag of ['UF', 'UC', 'UPE', 'UT', 'UO'] as const) stream.flags.delete(flag);
  if (avoids && stream.endpoint !== '') (stream.avoid ??= new Set()).add(stream.endpoint);
}

function counted(request: HttpRequest, attempt: number): HttpRequest {
  request.headers.set('x-envoy-attempt-count', attempt === 1 ? '1' : String(attempt));
  return request;
}

/** Full jitter below a ceiling of (2^attempt - 1) times 25 ms, ten times that at most, unless the policy says otherwise. Source: Envoy, x-envoy-max-retries. */
function backoffOf({ retryBackOff }: RetryPolicy): (attempt: number, random: number) => number {
  const base = milliseconds(retryBackOff?.baseInterval) ?? 25;
  const most = milliseconds(retryBackOff?.maxInterval) ?? base * 10;
  return (attempt, random) => Math.floor(Math.min(most, base * (2 ** attempt - 1)) * random);
}

/** Notes where each attempt went; every so many attempts, those priorities are left to the others. */
function otherPriorities({ retryPriority }: RetryPolicy): (stream: HttpRequest['stream']) => void {
  if (retryPriority?.name !== previousPriorities) return () => undefined;
  const every = Math.max(1, Number((retryPriority.typedConfig as { readonly updateFrequency?: number } | undefined)?.updateFrequency ?? 1));
  const tried: number[] = [];
  return (stream) => {
    if (stream.priority !== undefined) tried.push(stream.priority);
    if (tried.length > 0 && tried.length % every === 0) stream.withoutPriorities = new Set(tried);
  };
}
