import type { FilterEnvironment, HttpFilterFactory, HttpHandler, HttpRequest, HttpResponse, RouteScope } from '../../sidecar/hooks.ts';
import { milliseconds } from '../../util/envoy-json.ts';
import { granted, grpcTimeout, isGrpc } from './filter-grpc.ts';

/** Envoy's default when a route says nothing; Istio writes `0s`, which is no limit. */
const routeDefault = 15_000;
const deadlineExceeded = '4';

/** How long one request may take, and what its caller is told then. */
interface Limit {
  /** Milliseconds; 0 for no limit. */
  readonly most: number;
  /** The call's own deadline has passed, rather than the route's patience. */
  readonly deadline: boolean;
}

/**
 * Ends a request that has no whole response in time, all retries included: 504 when nothing was sent yet, else the response breaks off.
 * The upstream is told what is left. For gRPC, `grpc-timeout` counts where the route says so. Source: Envoy, config.route.v3.RouteAction: timeout,
 * max_grpc_timeout, max_stream_duration.
 */
export const timeoutFilter: HttpFilterFactory<RouteScope> = ({ route }, environment) => {
  if (route.route === undefined) return undefined;
  const { timeout, maxGrpcTimeout, maxStreamDuration, retryPolicy } = route.route;
  const usual = milliseconds(timeout) ?? routeDefault;
  const perTry = milliseconds(retryPolicy?.perTryTimeout) ?? 0;
  const mostGrpc = milliseconds(maxGrpcTimeout);
  const mostStream = milliseconds(maxStreamDuration?.grpcTimeoutHeaderMax);
  if (usual === 0 && mostGrpc === undefined && mostStream === undefined) return undefined;
  const limitOf = (request: HttpRequest): Limit => {
    if ((mostGrpc === undefined && mostStream === undefined) || !isGrpc(request)) return { most: usual, deadline: false };
    const asked = grpcTimeout(request);
    if (mostStream !== undefined && asked !== undefined) return { most: granted(asked, mostStream), deadline: true };
    return { most: mostGrpc === undefined ? usual : granted(asked, mostGrpc), deadline: false };
  };
  return (next) => (request) => {
    const limit = limitOf(request);
    if (limit.most === 0) return next(request);
    if (!limit.deadline) request.headers.set('x-envoy-expected-rq-timeout-ms', String(Math.round(perTry > 0 ? Math.min(perTry, limit.most) : limit.most)));
    return inTime(next, request, limit, environment);
  };
};

function inTime(next: HttpHandler, request: HttpRequest, { most, deadline }: Limit, { clock, origin, reply }: FilterEnvironment): Promise<HttpResponse> {
  const step = { stage: 'filter', what: deadline ? 'deadline of the call' : 'request timeout', why: `no response within ${most} ms`, ...(origin === undefined ? {} : { origin }) } as const;
  const late = (): HttpResponse => (deadline
    ? reply(200, '', [['content-type', 'application/grpc'], ['grpc-status', deadlineExceeded], ['grpc-message', 'downstream duration timeout']])
    : reply(504, 'upstream request timeout'));
  return new Promise<HttpResponse>((resolve, reject) => {
    const { stream } = request;
    let answered = false;
    stream.whenDone(clock.after(most, () => {
      stream.flags.add(deadline ? 'DT' : 'UT');
      stream.details = deadline ? 'max_duration_timeout' : 'response_timeout';
      stream.step(step);
      const { attempt } = stream;
      if (!answered) resolve(late());
      answered = true;
      attempt?.cancel('timeout');
    }));
    next(request).then((response) => {
      if (answered) response.body.cancel('route timeout');
      answered = true;
      resolve(response);
    }, reject);
  });
}
