import type { HttpFilterFactory, HttpRequest, RouteScope } from '../../sidecar/hooks.ts';
import { share } from '../../util/envoy-json.ts';
import type { RequestMirrorPolicy } from '../../xds/index.ts';
import { copied } from './filter-copy.ts';

/** Sends a copy of a share of requests to other clusters; what comes back is dropped. Source: Envoy, RouteAction.RequestMirrorPolicy. */
export const mirrorFilter: HttpFilterFactory<RouteScope> = ({ route, virtualHost }, { random, origin, shadow }) => {
  const policies = route.route?.requestMirrorPolicies ?? virtualHost.requestMirrorPolicies ?? [];
  if (policies.length === 0) return undefined;
  return (next) => (request) => {
    for (const policy of policies) {
      const cluster = policy.cluster ?? request.headers.get((policy.clusterHeader ?? '').toLowerCase());
      const part = share(policy.runtimeFraction?.defaultValue, 1);
      if (cluster === undefined || cluster === '' || random() >= part) continue;
      request.stream.step({ stage: 'filter', what: `mirror to ${cluster}`, why: `${part * 100} % of requests`, ...(origin === undefined ? {} : { origin }) });
      const { ready } = request.body;
      const authority = shadowAuthority(request, policy);
      if (ready !== undefined) shadow(cluster, request, authority, ready);
      else request.body = copied(request.body, (bytes) => shadow(cluster, request, authority, bytes));
    }
    return next(request);
  };
};

/** `reviews:9080` becomes `reviews-shadow:9080`. */
function shadowAuthority({ authority }: HttpRequest, policy: RequestMirrorPolicy): string {
  if (policy.disableShadowHostSuffixAppend === true) return authority;
  const port = /:\d+$/.exec(authority)?.[0] ?? '';
  return `${authority.slice(0, authority.length - port.length)}-shadow${port}`;
}
