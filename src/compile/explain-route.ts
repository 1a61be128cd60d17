import { faultFilter } from '../features/fault/compile.ts';
import { describeRoute, prepareRewrite, redirectOf, rewrittenAuthority, routeTitle, type RequestFacts, type RouteMatch } from '../routing/index.ts';
import { origin, type HttpFault, type Route } from '../xds/index.ts';
import type { ExplainStep, Outcome } from './explain-types.ts';

type Found = Extract<RouteMatch, { kind: 'route' }>;

/** What a matched route does with a request. */
export interface RouteDecision {
  readonly steps: readonly ExplainStep[];
  /** An answer of the proxy's own. */
  readonly outcome?: Outcome;
  readonly clusters: readonly { readonly cluster: string; readonly share: number }[];
  readonly retries: number;
}

const denominators = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 } as const;

/** Explains the route and the filters that act on it, in the order in which they act. */
export function explainRoute({ route, rejected }: Found, request: RequestFacts): RouteDecision {
  const where = originOf(route);
  const steps: ExplainStep[] = [{ stage: 'route', what: routeTitle(route), why: describeRoute(route), ...where, rejected }];
  const fault = faultOf(route);
  steps.push(...fault.steps.map((step) => ({ ...step, ...where })));
  if (fault.abort !== undefined) return { steps, outcome: { status: fault.abort, flags: [...fault.flags, 'FI'] }, clusters: [], retries: 0 };
  if (route.redirect !== undefined) {
    const { status, location } = redirectOf(route, request);
    return { steps: [...steps, { stage: 'filter', what: `redirect to ${location}`, ...where }], outcome: { status, flags: fault.flags }, clusters: [], retries: 0 };
  }
  if (route.directResponse !== undefined) return { steps: [...steps, { stage: 'filter', what: 'direct response', ...where }], outcome: { status: route.directResponse.status ?? 200, flags: fault.flags }, clusters: [], retries: 0 };
  return { steps: [...steps, ...changes(route, request).map((step) => ({ ...step, ...where }))], clusters: clustersOf(route), retries: Number(route.route?.retryPolicy?.numRetries ?? 0) };
}

function originOf(route: Route): Pick<ExplainStep, 'origin'> {
  const found = origin(route.metadata);
  return found === undefined ? {} : { origin: found };
}

function share(fraction: NonNullable<HttpFault['delay']>['percentage']): number {
  return fraction === undefined ? 0 : (fraction.numerator ?? 0) / denominators[fraction.denominator ?? 'HUNDRED'];
}

/** Faults: those of all requests decide the outcome, the others are said. */
function faultOf(route: Route): { readonly steps: readonly ExplainStep[]; readonly flags: readonly string[]; readonly abort: number | undefined } {
  const { delay, abort } = (route.typedPerFilterConfig?.[faultFilter] ?? {}) as HttpFault;
  const delayed = share(delay?.percentage);
  const aborted = share(abort?.percentage);
  const status = abort?.grpcStatus === undefined ? abort?.httpStatus : 200;
  const what = abort?.grpcStatus === undefined ? `abort ${status ?? ''}` : `abort with gRPC status ${abort.grpcStatus}`;
  return {
    steps: [
      ...(delayed > 0 ? [{ stage: 'filter' as const, what: `delay ${delay?.fixedDelay ?? ''}`, why: `${percent(delayed)} of requests` }] : []),
      ...(aborted > 0 ? [{ stage: 'filter' as const, what, why: `${percent(aborted)} of requests` }] : []),
    ],
    flags: delayed >= 1 ? ['DI'] : [],
    abort: aborted >= 1 ? status : undefined,
  };
}

function changes(route: Route, request: RequestFacts): readonly ExplainStep[] {
  const action = route.route ?? {};
  const path = prepareRewrite(route)?.(request.path);
  const authority = rewrittenAuthority(route, undefined, request, '');
  const set = (route.requestHeadersToAdd ?? []).map(({ header }) => `${header?.key ?? ''}: ${header?.value ?? ''}`);
  const timeout = action.timeout !== undefined && action.timeout !== '0s' ? action.timeout : undefined;
  const { retryPolicy } = action;
  return [
    ...(set.length === 0 && route.requestHeadersToRemove === undefined ? [] : [{ stage: 'filter' as const, what: `request headers: ${[...set, ...(route.requestHeadersToRemove ?? []).map((name) => `without ${name}`)].join(', ')}` }]),
    ...(path === undefined ? [] : [{ stage: 'filter' as const, what: `path becomes ${path}` }]),
    ...(authority === undefined ? [] : [{ stage: 'filter' as const, what: `authority becomes ${authority}` }]),
    ...(action.requestMirrorPolicies ?? []).map(({ cluster, runtimeFraction }) => ({ stage: 'filter' as const, what: `copied to ${cluster ?? ''}`, why: `${percent(share(runtimeFraction?.defaultValue))} of requests` })),
    ...(timeout === undefined ? [] : [{ stage: 'filter' as const, what: `timeout ${timeout}`, why: 'a later answer becomes 504 (UT)' }]),
    ...(retryPolicy === undefined ? [] : [{ stage: 'retry' as const, what: `up to ${Number(retryPolicy.numRetries ?? 1)} retries`, why: `on ${(retryPolicy.retryOn ?? '').replaceAll(',', ', ')}` }]),
  ];
}

function clustersOf({ route }: Route): readonly { readonly cluster: string; readonly share: number }[] {
  if (route?.cluster !== undefined) return [{ cluster: route.cluster, share: 1 }];
  const weighted = (route?.weightedClusters?.clusters ?? []).filter(({ weight }) => Number(weight ?? 0) > 0);
  const total = weighted.reduce((sum, { weight }) => sum + Number(weight), 0);
  return weighted.map(({ name = '', weight }) => ({ cluster: name, share: Number(weight) / total }));
}

/** A share in words: `25 %`. */
export function percent(part: number): string {
  return `${Number((part * 100).toFixed(4))} %`;
}
