import { authorizationFilter } from '../../features/authorization/filter.ts';
import { typeUrl, type HttpConnectionManager, type RuleOrigins } from '../../xds/index.ts';
import type { HttpHandler, ManagerEnvironment, ManagerFilterFactory } from '../hooks.ts';
import type { Runtime } from '../runtime.ts';
import { localReply } from './reply.ts';

/** Filters of a connection manager that act before a route is chosen, by the type of their config. They act in the order in which the manager lists them. */
const factories: ReadonlyMap<string, ManagerFilterFactory<never>> = new Map([
  [typeUrl.rbac, authorizationFilter],
]);

/** Prefixes of the filters that decide whether a request comes in: one of these that we do not run must not be skipped. */
const guards = ['envoy.filters.http.rbac', 'envoy.filters.http.jwt_authn', 'envoy.filters.http.ext_authz'];

const nobody: ManagerEnvironment = { clock: { now: () => 0, after: () => () => undefined }, reply: localReply, rules: {} };

/** Throws when the filters of a manager cannot be used: its config is then refused, and the last good one stays. */
export function checkFilters(manager: HttpConnectionManager): void {
  for (const { factory, config } of managerFilters(manager)) factory(config as never, nobody);
}

/** What a manager's filters do before `end` chooses the route. Throws as {@link checkFilters} does. */
export function managerHandler(manager: HttpConnectionManager, rules: RuleOrigins, { clock }: Runtime, end: HttpHandler): HttpHandler {
  const environment: ManagerEnvironment = { clock, reply: localReply, rules };
  return managerFilters(manager).reduceRight<HttpHandler>((next, { factory, config }) => factory(config as never, environment)(next), end);
}

/** The filters of a manager that we run before routes. Throws when one is missing that guards the way in. */
function managerFilters(manager: HttpConnectionManager): readonly { readonly factory: ManagerFilterFactory<never>; readonly config: unknown }[] {
  return (manager.httpFilters ?? []).flatMap(({ name = '', typedConfig, disabled }) => {
    const type = (typedConfig as { readonly '@type'?: string } | undefined)?.['@type'] ?? '';
    const factory = factories.get(type);
    if (factory === undefined && guards.some((guard) => name.startsWith(guard))) throw new Error(`the HTTP filter ${name} is not known`);
    return factory === undefined || disabled === true ? [] : [{ factory, config: typedConfig }];
  });
}
