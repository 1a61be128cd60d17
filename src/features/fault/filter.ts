import { prepareMatch } from '../../routing/index.ts';
import type { HttpFilterFactory, HttpRequest, RouteScope } from '../../sidecar/hooks.ts';
import { milliseconds, share } from '../../util/envoy-json.ts';
import type { HttpFault } from '../../xds/index.ts';

const name = 'envoy.filters.http.fault';

/** Delays and aborts a share of requests. The most specific config wins: weight, route, virtual host. Source: Envoy, HTTP fault injection. */
export const faultFilter: HttpFilterFactory<RouteScope> = ({ route, virtualHost, weight }, { clock, random, origin, reply }) => {
  const config = (weight?.typedPerFilterConfig?.[name] ?? route.typedPerFilterConfig?.[name] ?? virtualHost.typedPerFilterConfig?.[name]) as HttpFault | undefined;
  if (config === undefined || (config.abort === undefined && config.delay === undefined)) return undefined;
  const applies = config.headers === undefined ? (): boolean => true : prepareMatch({ prefix: '/', headers: config.headers });
  const delayShare = share(config.delay?.percentage, 0);
  const abortShare = share(config.abort?.percentage, 0);
  const why = origin === undefined ? {} : { origin };
  const here = (request: HttpRequest): boolean =>
    (config.upstreamCluster === undefined || config.upstreamCluster === '' || config.upstreamCluster === request.stream.cluster) &&
    applies({ method: request.method, path: request.path, authority: request.authority, scheme: request.scheme, header: (header) => request.headers.joined(header) });
  return (next) => async (request) => {
    if (!here(request)) return next(request);
    const { stream } = request;
    const delay = config.delay === undefined ? 0 : delayOf(config.delay, request);
    if (delay > 0 && random() < delayShare) {
      stream.flags.add('DI');
      stream.step({ stage: 'filter', what: `delay ${delay} ms`, why: `${delayShare * 100} % of requests`, ...why });
      await new Promise<void>((resolve) => stream.whenDone(clock.after(delay, resolve)));
    }
    const abort = config.abort === undefined ? undefined : abortOf(config.abort, request);
    if (abort === undefined || random() >= abortShare) return next(request);
    stream.flags.add('FI');
    stream.details = 'fault_filter_abort';
    stream.step({ stage: 'filter', what: abort.grpc === undefined ? `abort ${abort.status}` : `abort with gRPC status ${abort.grpc}`, why: `${abortShare * 100} % of requests`, ...why });
    if (abort.grpc === undefined) return reply(abort.status, 'fault filter abort');
    return reply(200, '', [['content-type', 'application/grpc'], ['grpc-status', String(abort.grpc)], ['grpc-message', 'fault filter abort']]);
  };
};

function delayOf(delay: NonNullable<HttpFault['delay']>, { headers }: HttpRequest): number {
  if (delay.headerDelay === undefined) return milliseconds(delay.fixedDelay) ?? 0;
  const asked = Number(headers.get('x-envoy-fault-delay-request'));
  return Number.isFinite(asked) ? asked : 0;
}

function abortOf(abort: NonNullable<HttpFault['abort']>, { headers }: HttpRequest): { readonly status: number; readonly grpc?: number } | undefined {
  if (abort.grpcStatus !== undefined) return { status: 200, grpc: abort.grpcStatus };
  const status = abort.headerAbort === undefined ? (abort.httpStatus ?? 0) : Number(headers.get('x-envoy-fault-abort-request'));
  return status >= 200 && status < 600 ? { status } : undefined;
}
