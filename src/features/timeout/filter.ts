import type { HttpFilterFactory, HttpResponse, RouteScope } from '../../sidecar/hooks.ts';
import { milliseconds } from '../../util/envoy-json.ts';

/** Envoy's default when a route says nothing; Istio writes `0s`, which is no limit. */
const routeDefault = 15_000;

/**
 * Ends a request that has no whole response in time, all retries included: 504 when nothing was sent yet, else the connection is closed.
 * The upstream is told what is left. Source: Envoy, config.route.v3.RouteAction.timeout.
 */
export const timeoutFilter: HttpFilterFactory<RouteScope> = ({ route }, { clock, origin, reply }) => {
  if (route.route === undefined) return undefined;
  const limit = milliseconds(route.route.timeout) ?? routeDefault;
  const perTry = milliseconds(route.route.retryPolicy?.perTryTimeout) ?? 0;
  if (limit === 0) return undefined;
  const told = String(Math.round(perTry > 0 ? Math.min(perTry, limit) : limit));
  const step = { stage: 'filter', what: 'request timeout', why: `no response within ${limit} ms`, ...(origin === undefined ? {} : { origin }) } as const;
  return (next) => (request) => new Promise<HttpResponse>((resolve, reject) => {
    const { stream, headers } = request;
    let answered = false;
    headers.set('x-envoy-expected-rq-timeout-ms', told);
    stream.whenDone(clock.after(limit, () => {
      stream.flags.add('UT');
      stream.details = 'response_timeout';
      stream.step(step);
      const late = stream.attempt;
      if (!answered) resolve(reply(504, 'upstream request timeout'));
      answered = true;
      late?.cancel('timeout');
    }));
    next(request).then((response) => {
      if (answered) response.body.cancel('route timeout');
      answered = true;
      resolve(response);
    }, reject);
  });
};
