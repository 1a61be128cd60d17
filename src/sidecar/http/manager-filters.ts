import { externalAuthorizationFilter } from '../../features/authorization/filter-external.ts';
import { authorizationFilter } from '../../features/authorization/filter.ts';
import { jwtFilter } from '../../features/jwt/filter.ts';
import { configType } from '../../features/rate-limiting/filter-config.ts';
import { localRateLimitFilter } from '../../features/rate-limiting/filter.ts';
import { rateLimitFilter } from '../../features/rate-limiting/filter-service.ts';
import { typeUrl, type HttpConnectionManager, type RuleOrigins } from '../../xds/index.ts';
import { ReadyBody } from '../http1/index.ts';
import type { HttpHandler, ManagerEnvironment, ManagerFilterFactory } from '../hooks.ts';
import type { Runtime } from '../runtime.ts';
import { ask } from './ask.ts';
import { localReply } from './reply.ts';
import type { ProxiedRequest } from './request.ts';

/** Filters of a connection manager that act before a route is chosen, by the type of their config. They act in the order in which the manager lists them. */
const factories: ReadonlyMap<string, ManagerFilterFactory<never>> = new Map<string, ManagerFilterFactory<never>>([
  [typeUrl.jwt, jwtFilter],
  [typeUrl.rbac, authorizationFilter],
  [typeUrl.extAuthz, externalAuthorizationFilter],
  [typeUrl.localRateLimit, localRateLimitFilter],
  [typeUrl.rateLimit, rateLimitFilter],
]);

/** Prefixes of the filters that decide whether a request comes in: one of these that we do not run must not be skipped. */
const guards = ['envoy.filters.http.rbac', 'envoy.filters.http.jwt_authn', 'envoy.filters.http.ext_authz'];

const body: ManagerEnvironment['body'] = (bytes) => new ReadyBody(bytes);
/** What a filter is made with to see whether it can be. */
const nobody: ManagerEnvironment = {
  clock: { now: () => 0, after: () => () => undefined }, self: '', call: () => Promise.resolve({ unanswered: 'nobody is there' }), body, reply: localReply, rules: {}, random: () => 0, route: () => undefined, rateLimits: () => Promise.resolve(undefined),
};

/** Throws when the filters of a manager cannot be used: its config is then refused, and the last good one stays. */
export function checkFilters(manager: HttpConnectionManager): void {
  for (const { factory, config } of managerFilters(manager)) factory(config as never, nobody);
}

/** What a manager's filters do before `end` chooses the route. Throws as {@link checkFilters} does. */
export function managerHandler(manager: HttpConnectionManager, rules: RuleOrigins, runtime: Runtime, end: HttpHandler): HttpHandler {
  const table = manager.rds?.routeConfigName ?? manager.routeConfig?.name ?? '';
  const environment: ManagerEnvironment = {
    clock: runtime.clock, self: runtime.self.principal, call: (cluster, request, timeout, http2) => ask(runtime, cluster, request, timeout, http2), body, reply: localReply, rules, random: () => runtime.random(),
    route(request) {
      const match = runtime.routeTable(table)?.match(request as ProxiedRequest, runtime.random());
      return match?.kind === 'route' ? { route: match.route, virtualHost: match.virtualHost, weight: match.weight } : undefined;
    },
    rateLimits: (domain, descriptors, timeout) => runtime.rateLimits(domain, descriptors, timeout),
  };
  return managerFilters(manager).reduceRight<HttpHandler>((next, { factory, config }) => factory(config as never, environment)(next), end);
}

/** The filters of a manager that we run before routes. Throws when one is missing that guards the way in. */
function managerFilters(manager: HttpConnectionManager): readonly { readonly factory: ManagerFilterFactory<never>; readonly config: unknown }[] {
  return (manager.httpFilters ?? []).flatMap(({ name = '', typedConfig, disabled }) => {
    const type = configType(typedConfig);
    const factory = factories.get(type);
    if (factory === undefined && guards.some((guard) => name.startsWith(guard))) throw new Error(`the HTTP filter ${name} is not known`);
    return factory === undefined || disabled === true ? [] : [{ factory, config: typedConfig }];
  });
}
