import { prepareAccessFilter, type AccessDecision, type AccessFacts, type RequestFacts } from '../../routing/index.ts';
import type { ConnectionFilterFactory, HttpRequest, ManagerFilterFactory } from '../../sidecar/hooks.ts';
import type { RbacFilter } from '../../xds/index.ts';

const name = 'envoy.filters.http.rbac';
const networkName = 'envoy.filters.network.rbac';

/**
 * Judges each request by the rules of authorization policies; what is denied gets 403 and goes no further. Rules that are only tried out leave what
 * they would have said to the filters that come after. Source: Envoy, RBAC filter; istio.io, Authorization Policy.
 */
export const authorizationFilter: ManagerFilterFactory<RbacFilter> = (config, { reply, rules }) => {
  const filter = prepareAccessFilter(config, rules);
  return (next) => (request) => {
    const { stream } = request;
    const facts = new HttpFacts(request);
    const verdict = filter.judge(facts);
    if (stream.wanted) for (const step of filter.steps(facts, verdict)) stream.step(step);
    if (verdict.shadow !== undefined) leave(stream.metadata, name, filter.shadowPrefix, verdict.shadow);
    if (verdict.allowed) return next(request);
    stream.details = verdict.details;
    return Promise.resolve(reply(403, 'RBAC: access denied'));
  };
};

/** What rules that are only tried out say, for the filters that come after. */
function leave(metadata: HttpRequest['stream']['metadata'], filter: string, prefix: string, { policy, allowed }: AccessDecision): void {
  metadata.set(filter, { ...(metadata.get(filter) ?? {}), [`${prefix}shadow_effective_policy_id`]: policy, [`${prefix}shadow_engine_result`]: allowed ? 'allowed' : 'denied' });
}

/** A request as rules see it: most of them look at little of it, so that nothing is gathered beforehand. */
class HttpFacts implements AccessFacts, RequestFacts {
  readonly #request: HttpRequest;

  constructor(request: HttpRequest) {
    this.#request = request;
  }

  get request(): RequestFacts { return this; }
  get method(): string { return this.#request.method; }
  get path(): string { return this.#request.path; }
  get authority(): string { return this.#request.authority; }
  get scheme(): HttpRequest['scheme'] { return this.#request.scheme; }
  get pathWithFragment(): string | undefined { return this.#request.stream.pathWithFragment; }
  get principal(): string { return this.#request.stream.connection.principal; }
  get directIp(): string { return this.#request.stream.connection.sourceIp; }
  get remoteIp(): string { return this.#request.stream.remoteIp; }
  get destinationIp(): string { return this.#request.stream.connection.destinationIp; }
  get destinationPort(): number { return this.#request.stream.connection.destinationPort; }
  get serverName(): string { return this.#request.stream.connection.serverName; }
  header(name: string): string | undefined { return this.#request.headers.joined(name); }
  metadata(filter: string): unknown { return this.#request.stream.metadata.get(filter); }
}

/** Judges a connection that is not HTTP, before anything of it goes anywhere. */
export const connectionAuthorization: ConnectionFilterFactory<RbacFilter> = (config, rules) => {
  const filter = prepareAccessFilter(config, rules);
  return (connection, metadata) => {
    const facts: AccessFacts = { ...connection, request: undefined, directIp: connection.sourceIp, remoteIp: connection.sourceIp, metadata: () => undefined };
    const verdict = filter.judge(facts);
    if (verdict.shadow !== undefined) leave(metadata, networkName, filter.shadowPrefix, verdict.shadow);
    return { denied: verdict.details, steps: filter.steps(facts, verdict) };
  };
};
