import { tlsRedirectOf } from '../../routing/index.ts';
import type { HttpHandler, HttpResponse } from '../hooks.ts';
import type { Runtime } from '../runtime.ts';
import { localReply } from './reply.ts';
import type { ProxiedRequest } from './request.ts';
import { routePlan } from './route-plan.ts';
import type { Stream } from './stream.ts';

/**
 * Chooses the route of a request, by the table of that name as it is then, and does what the route says. A table that was taken away serves on
 * what its listener left behind: connections that end with it. As in Envoy, where a listener that drains keeps its routes.
 */
export function routeHandler(table: string, runtime: Runtime): HttpHandler {
  let last: ReturnType<Runtime['routeTable']>;
  return (given) => {
    const request = given as ProxiedRequest;
    const { stream } = request;
    last = runtime.routeTable(table) ?? last;
    const match = last?.match(request, runtime.random());
    if (match?.kind === 'tls-required') {
      const { status, location } = tlsRedirectOf(request);
      return local(stream, 'direct_response', localReply(status, '', [['location', location]]));
    }
    if (match?.kind !== 'route') {
      stream.flags.add('NR');
      return local(stream, match === undefined ? 'route_configuration_not_found' : 'route_not_found', localReply(404, ''));
    }
    stream.route = match.route;
    stream.cluster = match.cluster ?? '';
    const chosen = routePlan(match, runtime);
    if (stream.wanted) for (const step of chosen.steps) stream.step(step);
    return chosen.handler(request);
  };
}

function local(stream: Stream, details: string, response: HttpResponse): Promise<HttpResponse> {
  stream.details = details;
  return Promise.resolve(response);
}
