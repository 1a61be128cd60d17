import { formatDuration } from '../../util/manifest-fields.ts';
import type { ExtAuthz, ExtAuthzHttpService, NetworkExtAuthz, StringMatcher } from '../../xds/index.ts';
import { stringMatch } from './compile-principals.ts';
import type { GrpcAuthorizer, HttpAuthorizer } from './manifest.ts';

/** Somebody outside of the proxies who decides about requests: an `extensionProvider` of the mesh. */
export type Authorizer =
  | { readonly name: string; readonly kind: 'http'; readonly cluster: string; readonly host: string; readonly settings: HttpAuthorizer }
  | { readonly name: string; readonly kind: 'grpc'; readonly cluster: string; readonly host: string; readonly settings: GrpcAuthorizer };

/** Begins the names of rules that say which requests are asked about. */
export const askedPrefix = 'istio-ext-authz-';
/** Ends the names of rules whose provider cannot be asked: what they cover is denied. */
export const badSuffix = '-deny-due-to-bad-CUSTOM-action';

/** Istio's: so long that only the provider itself ends it. */
const defaultTimeout = 600_000;

/** Under which the rules of a provider leave what they found out. */
export function shadowPrefix(provider: string): string {
  return `istio_ext_authz_${provider}_`;
}

/** The filter that asks about requests. Source: istio.io, MeshConfig.ExtensionProvider; Envoy, External Authorization. */
export function httpCheck(authorizer: Authorizer, rbac: string): ExtAuthz {
  const { settings, name } = authorizer;
  const { failOpen, statusOnError, includeRequestBodyInCheck: body, clearRouteCache } = settings;
  return {
    statPrefix: name,
    ...(authorizer.kind === 'grpc' ? grpcService(authorizer) : httpService(authorizer)),
    transportApiVersion: 'V3',
    failureModeAllow: failOpen,
    ...(clearRouteCache ? { clearRouteCache } : {}),
    ...(statusOnError === '' ? {} : { statusOnError: { code: Number(statusOnError) } }),
    ...(body === undefined ? {} : { withRequestBody: { maxRequestBytes: body.maxRequestBytes, allowPartialMessage: body.allowPartialMessage, ...(authorizer.kind === 'grpc' && body.packAsBytes ? { packAsBytes: true } : {}) } }),
    filterEnabledMetadata: askedAbout(name, rbac),
  };
}

/** The filter that asks about connections that are not HTTP; `undefined` for a provider that can only be asked about HTTP. */
export function networkCheck(authorizer: Authorizer, rbac: string): NetworkExtAuthz | undefined {
  if (authorizer.kind === 'http') return undefined;
  return { statPrefix: `tcp.${authorizer.name}`, ...grpcService(authorizer), transportApiVersion: 'V3', failureModeAllow: authorizer.settings.failOpen, filterEnabledMetadata: askedAbout(authorizer.name, rbac) };
}

function askedAbout(provider: string, filter: string): NonNullable<ExtAuthz['filterEnabledMetadata']> {
  return { filter, path: [{ key: `${shadowPrefix(provider)}shadow_effective_policy_id` }], value: { stringMatch: { prefix: askedPrefix } } };
}

function grpcService({ cluster, host, settings }: Extract<Authorizer, { kind: 'grpc' }>): Pick<NetworkExtAuthz, 'grpcService'> {
  return { grpcService: { envoyGrpc: { clusterName: cluster, authority: host }, timeout: formatDuration(settings.timeout ?? defaultTimeout) } };
}

function httpService({ cluster, host, settings }: Extract<Authorizer, { kind: 'http' }>): Pick<ExtAuthz, 'httpService' | 'allowedHeaders'> {
  const { pathPrefix, includeRequestHeadersInCheck, includeHeadersInCheck, includeAdditionalHeadersInCheck: added } = settings;
  const included = includeRequestHeadersInCheck.length > 0 ? includeRequestHeadersInCheck : includeHeadersInCheck;
  const headersToAdd = Object.entries(added).sort(([one], [other]) => (one < other ? -1 : 1)).map(([key, value]) => ({ key, value }));
  const service: ExtAuthzHttpService = {
    serverUri: { uri: `http://${host}`, cluster, timeout: formatDuration(settings.timeout ?? defaultTimeout) },
    ...(pathPrefix === '' ? {} : { pathPrefix }),
    ...(headersToAdd.length === 0 ? {} : { authorizationRequest: { headersToAdd } }),
    authorizationResponse: {
      ...named('allowedUpstreamHeaders', settings.headersToUpstreamOnAllow),
      ...named('allowedClientHeaders', settings.headersToDownstreamOnDeny),
      ...named('allowedClientHeadersOnSuccess', settings.headersToDownstreamOnAllow),
    },
  };
  return { httpService: service, ...named('allowedHeaders', included) };
}

/** Header names as people write them: exactly, or with a `*` at one end. Letters of either case are the same. */
function named<Field extends string>(field: Field, names: readonly string[]): Partial<Record<Field, { patterns: StringMatcher[] }>> {
  const patterns = names.map((name) => stringMatch(name, true));
  return names.length === 0 ? {} : ({ [field]: { patterns } } as Record<Field, { patterns: StringMatcher[] }>);
}
