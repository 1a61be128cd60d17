import { prepareMatch, type RequestFacts } from '../../routing/index.ts';
import type { HttpRequest, RouteScope } from '../../sidecar/hooks.ts';
import type { RateLimit, RateLimitAction } from '../../xds/index.ts';

/** What a request is described by, to be counted: pairs of key and value. */
export type Descriptor = readonly (readonly [key: string, value: string])[];

type Entry = readonly [string, string] | 'skip' | undefined;

/**
 * Makes the descriptors of requests on a route: of the route's own limits, and of its virtual host's where it has none or includes them.
 * A descriptor one of whose actions finds nothing is left out. Source: Envoy, config.route.v3.RateLimit.
 */
export function descriptorsOf({ route, virtualHost }: RouteScope, stage: number, further: readonly RateLimit[] = []): (request: HttpRequest) => readonly Descriptor[] {
  const own = route.route?.rateLimits ?? [];
  const inherited = own.length === 0 || route.route?.includeVhRateLimits === true ? (virtualHost.rateLimits ?? []) : [];
  const limits = (further.length > 0 ? further : [...own, ...inherited]).filter((limit) => Number(limit.stage ?? 0) === stage && (limit.disableKey ?? '') === '');
  const makers = limits.map(({ actions = [] }) => actions.map(entryOf));
  return (request) => makers.flatMap((actions): Descriptor[] => {
    const entries = actions.map((make) => make(request));
    return entries.includes(undefined) ? [] : [entries.filter((entry) => entry !== undefined && entry !== 'skip')];
  }).filter((descriptor) => descriptor.length > 0);
}

function entryOf(action: RateLimitAction): (request: HttpRequest) => Entry {
  if (action.genericKey !== undefined) {
    const { descriptorKey, descriptorValue = '' } = action.genericKey;
    return () => [named(descriptorKey, 'generic_key'), descriptorValue];
  }
  if (action.requestHeaders !== undefined) {
    const { headerName = '', descriptorKey = '', skipIfAbsent } = action.requestHeaders;
    return (request) => {
      const value = factsOf(request).header(headerName.toLowerCase());
      return value === undefined ? (skipIfAbsent === true ? 'skip' : undefined) : [descriptorKey, value];
    };
  }
  if (action.remoteAddress !== undefined) return ({ stream }) => ['remote_address', stream.sourceIp];
  if (action.destinationCluster !== undefined) return ({ stream }) => ['destination_cluster', stream.cluster];
  if (action.headerValueMatch !== undefined) {
    const { descriptorKey, descriptorValue = '', expectMatch, headers = [] } = action.headerValueMatch;
    return matched(prepareMatch({ prefix: '/', headers }), expectMatch !== false, named(descriptorKey, 'header_match'), descriptorValue);
  }
  if (action.queryParameterValueMatch !== undefined) {
    const { descriptorKey, descriptorValue = '', expectMatch, queryParameters = [] } = action.queryParameterValueMatch;
    return matched(prepareMatch({ prefix: '/', queryParameters }), expectMatch !== false, named(descriptorKey, 'query_match'), descriptorValue);
  }
  throw new Error(`the rate limit action ${Object.keys(action)[0] ?? '(none)'} is not known`);
}

function matched(test: (facts: RequestFacts) => boolean, wanted: boolean, key: string, value: string): (request: HttpRequest) => Entry {
  return (request) => (test(factsOf(request)) === wanted ? [key, value] : undefined);
}

function named(key: string | undefined, otherwise: string): string {
  return key === undefined || key === '' ? otherwise : key;
}

function factsOf({ method, path, authority, scheme, headers }: HttpRequest): RequestFacts {
  const pseudo: Readonly<Record<string, string>> = { ':method': method, ':path': path, ':authority': authority, ':scheme': scheme };
  return { method, path, authority, scheme, header: (name) => pseudo[name] ?? headers.joined(name) };
}
