import type { HttpFilterFactory, RouteScope } from '../../sidecar/hooks.ts';

/** Answers from the route's own status and body. Source: Envoy, config.route.v3.DirectResponseAction. */
export const directResponseFilter: HttpFilterFactory<RouteScope> = ({ route }, environment) => {
  const { directResponse } = route;
  if (directResponse === undefined) return undefined;
  const { status = 200, body } = directResponse;
  const text = body?.inlineString ?? (body?.inlineBytes === undefined ? '' : Buffer.from(body.inlineBytes, 'base64').toString('utf8'));
  const { origin } = environment;
  const step = { stage: 'filter', what: `direct response ${status}`, ...(origin === undefined ? {} : { origin }) } as const;
  return () => (request) => {
    request.stream.details = 'direct_response';
    request.stream.step(step);
    return Promise.resolve(environment.reply(status, text));
  };
};
