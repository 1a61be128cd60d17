import { prepareRewrite, rewrittenAuthority } from '../../routing/index.ts';
import type { HttpFilterFactory, RouteScope } from '../../sidecar/hooks.ts';

/** Changes path and authority before the request goes on; the caller's path stays in `x-envoy-original-path`. Source: Envoy, config.route.v3.RouteAction. */
export const rewriteFilter: HttpFilterFactory<RouteScope> = ({ route, weight }, { origin }) => {
  const rewritePath = prepareRewrite(route);
  const { hostRewriteLiteral, hostRewriteHeader } = route.route ?? {};
  const rewritesHost = hostRewriteLiteral !== undefined || hostRewriteHeader !== undefined || weight?.hostRewriteLiteral !== undefined;
  if (rewritePath === undefined && !rewritesHost) return undefined;
  return (next) => (request) => {
    const { headers, stream } = request;
    if (rewritePath !== undefined) {
      const path = rewritePath(request.path);
      if (path !== request.path) headers.set('x-envoy-original-path', request.path);
      stream.step({ stage: 'filter', what: 'rewrite path', why: `${request.path} → ${path}`, ...(origin === undefined ? {} : { origin }) });
      request.path = path.startsWith('/') ? path : `/${path}`;
    }
    if (rewritesHost) {
      const { method, path, scheme } = request;
      const authority = rewrittenAuthority(route, weight, { method, path, scheme, authority: request.authority, header: (name) => headers.joined(name) }, '');
      if (authority !== undefined && authority !== '') {
        stream.step({ stage: 'filter', what: 'rewrite authority', why: `${request.authority} → ${authority}`, ...(origin === undefined ? {} : { origin }) });
        if (route.route?.appendXForwardedHost === true) headers.add('x-forwarded-host', request.authority);
        request.authority = authority;
      }
    }
    return next(request);
  };
};
