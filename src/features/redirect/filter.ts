import { redirectOf } from '../../routing/index.ts';
import type { HttpFilterFactory, HttpRequest, RouteScope } from '../../sidecar/hooks.ts';

/** Answers with where the caller should go instead. Source: Envoy, config.route.v3.RedirectAction. */
export const redirectFilter: HttpFilterFactory<RouteScope> = ({ route }, environment) => {
  if (route.redirect === undefined) return undefined;
  const { origin } = environment;
  return () => (request) => {
    const { status, location } = redirectOf(route, facts(request));
    request.stream.details = 'direct_response';
    request.stream.step({ stage: 'filter', what: `redirect ${status}`, why: `to ${location}`, ...(origin === undefined ? {} : { origin }) });
    return Promise.resolve(environment.reply(status, '', [['location', location]]));
  };
};

function facts({ method, path, authority, scheme, headers }: HttpRequest): Parameters<typeof redirectOf>[1] {
  return { method, path, authority, scheme, header: (name) => headers.joined(name) };
}
