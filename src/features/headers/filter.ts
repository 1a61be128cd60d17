import { changeRequestHeaders, changeResponseHeaders, headerLevels } from '../../routing/index.ts';
import type { HttpFilterFactory, HttpRequest, HttpResponse, RouteScope } from '../../sidecar/hooks.ts';

/** Adds, replaces and removes headers at the levels of weight, route and virtual host, in Envoy's order. */
export const headersFilter: HttpFilterFactory<RouteScope> = ({ route, virtualHost, weight }, { origin }) => {
  const levels = headerLevels(undefined, virtualHost, route, weight);
  if (levels.length === 0) return undefined;
  const has = (direction: 'request' | 'response'): boolean => levels.some((level) => level[`${direction}HeadersToAdd`] !== undefined || level[`${direction}HeadersToRemove`] !== undefined);
  const changesRequest = has('request');
  const changesResponse = has('response');
  const step = { stage: 'filter', what: 'headers', why: [...(changesRequest ? ['request'] : []), ...(changesResponse ? ['response'] : [])].join(' and '), ...(origin === undefined ? {} : { origin }) } as const;
  return (next) => async (request) => {
    request.stream.step(step);
    if (changesRequest) changeRequestHeaders(pseudo(request), levels, (command) => substitute(command, request, undefined));
    const response = await next(request);
    if (changesResponse) changeResponseHeaders(response.headers, levels, (command) => substitute(command, request, response));
    return response;
  };
};

/** `Host` and `:authority` are one field of the request; framing and hop-by-hop fields are not config's to write. */
function pseudo(request: HttpRequest): Parameters<typeof changeRequestHeaders>[0] {
  const { headers } = request;
  const isHost = (name: string): boolean => name === 'host' || name === ':authority';
  const write = (name: string, value: string, how: 'set' | 'add'): void => {
    if (isHost(name)) request.authority = value;
    else if (name === ':path') request.path = value;
    else if (!reserved.has(name)) headers[how](name, value);
  };
  return {
    has: (name) => isHost(name) || headers.has(name),
    set: (name, value) => write(name, value, 'set'),
    add: (name, value) => write(name, value, 'add'),
    delete: (name) => headers.delete(name),
  };
}

const reserved: ReadonlySet<string> = new Set([':method', ':scheme', 'connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'content-length', 'upgrade', 'te']);

/** Envoy's command operators, as far as the lab knows an answer. Source: Envoy, "Custom request/response headers". */
function substitute(command: string, { headers, authority, path, method, stream }: HttpRequest, response: HttpResponse | undefined): string | undefined {
  const field = /^(REQ|RESP)\(([^)]+)\)/.exec(command);
  if (field !== null) {
    const names = (field[2] as string).toLowerCase().split('?');
    const pseudoValues: Readonly<Record<string, string>> = { ':authority': authority, host: authority, ':path': path, ':method': method };
    const from = field[1] === 'REQ' ? headers : response?.headers;
    return names.map((name) => (field[1] === 'REQ' ? pseudoValues[name] : undefined) ?? from?.joined(name)).find((value) => value !== undefined);
  }
  switch (command) {
    case 'DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT': case 'DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT': case 'DOWNSTREAM_REMOTE_ADDRESS': return stream.sourceIp;
    case 'PROTOCOL': return 'HTTP/1.1';
    case 'UPSTREAM_CLUSTER': return stream.cluster;
    case 'UPSTREAM_HOST': case 'UPSTREAM_REMOTE_ADDRESS': return stream.endpoint;
    case 'ROUTE_NAME': return stream.route?.name;
    case 'RESPONSE_CODE': return response === undefined ? undefined : String(response.status);
    case 'RESPONSE_FLAGS': return [...stream.flags].join(',') || '-';
    case 'START_TIME': return new Date(stream.startTime).toISOString();
    default: return undefined;
  }
}
