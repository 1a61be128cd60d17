import type { DecisionStep } from '../../contract/index.ts';
import { describeRoute, routeTitle, type RouteMatch } from '../../routing/index.ts';
import { origin } from '../../xds/index.ts';
import type { FilterEnvironment, HttpHandler, RetryLimits, RouteScope } from '../hooks.ts';
import { ReadyBody } from '../http1/index.ts';
import type { Runtime } from '../runtime.ts';
import { filters } from './filters.ts';
import { localReply } from './reply.ts';
import { route } from './router.ts';
import { shadow } from './shadow.ts';

/** What a matched route does with a request: made once per route (and weight), when its first request comes. */
export interface RoutePlan {
  readonly handler: HttpHandler;
  readonly steps: readonly DecisionStep[];
}

/** The plan of a match, from the memory of the runtime; it lives as long as the config that it was made from. */
export function routePlan(match: Extract<RouteMatch, { kind: 'route' }>, runtime: Runtime): RoutePlan {
  const key = match.weight ?? match.route;
  let plan = runtime.derived.get(key) as RoutePlan | undefined;
  if (plan === undefined) {
    plan = makePlan({ route: match.route, virtualHost: match.virtualHost, weight: match.weight }, runtime);
    runtime.derived.set(key, plan);
  }
  return plan;
}

function makePlan(scope: RouteScope, runtime: Runtime): RoutePlan {
  const from = origin(scope.route.metadata);
  const environment: FilterEnvironment = {
    clock: runtime.clock,
    random: () => runtime.random(),
    origin: from,
    reply: localReply,
    retries: retryLimits(runtime),
    body: (bytes) => new ReadyBody(bytes),
    shadow: (cluster, request, authority, body) => shadow(runtime, cluster, request, authority, body),
  };
  const active = filters.map((filter) => filter(scope, environment)).filter((filter) => filter !== undefined);
  return { handler: active.reduceRight<HttpHandler>((next, filter) => filter(next), route), steps: stepsOf(scope) };
}

function retryLimits(runtime: Runtime): RetryLimits {
  return {
    take(name) {
      const cluster = runtime.cluster(name);
      const over = cluster?.retry();
      return over === undefined ? undefined : (helped) => {
        over();
        if (helped && cluster !== undefined) cluster.counters.upstream_rq_retry_success++;
      };
    },
    spent(name) {
      const cluster = runtime.cluster(name);
      if (cluster !== undefined) cluster.counters.upstream_rq_retry_limit_exceeded++;
    },
  };
}

function stepsOf({ route: matched, virtualHost, weight }: RouteScope): readonly DecisionStep[] {
  const hostOrigin = origin(virtualHost.metadata);
  const routeOrigin = origin(matched.metadata);
  const weights = matched.route?.weightedClusters?.clusters?.length ?? 0;
  const share = weight !== undefined && weights > 1 ? `; weight ${Number(weight.weight ?? 0)} of its ${weights} destinations` : '';
  return [
    { stage: 'virtual-host', what: virtualHost.name ?? '', ...(hostOrigin === undefined ? {} : { origin: hostOrigin }) },
    { stage: 'route', what: routeTitle(matched), why: `${describeRoute(matched)}${share}`, ...(routeOrigin === undefined ? {} : { origin: routeOrigin }) },
  ];
}
