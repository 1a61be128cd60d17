import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';

/** A response of another service. */
export interface CallResult {
  readonly status: number;
  readonly body: string;
}

/** Calls another service. `timeout` milliseconds without a byte reject, as do connections that fail. */
export type Call = (url: string, headers: Readonly<Record<string, string>>, timeout: number) => Promise<CallResult>;

const maxResponse = 4 * 1024 * 1024;

/** Makes a client that keeps connections. A kept connection that the other end closed meanwhile is tried once more on a fresh one. */
export function createCaller(): { readonly call: Call; close(): void } {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 64, scheduling: 'lifo' });
  const once = (url: string, headers: Readonly<Record<string, string>>, timeout: number): Promise<CallResult & { readonly stale?: boolean }> => new Promise((resolve, reject) => {
    const secure = url.startsWith('https:');
    const request = (secure ? httpsRequest : httpRequest)(url, { headers, timeout, ...(secure ? {} : { agent }) }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxResponse) request.destroy(new Error('the response is too big'));
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }));
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${timeout} ms`)));
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE')) resolve({ status: 0, body: '', stale: true });
      else reject(error);
    });
    request.end();
  });
  return {
    call: async (url, headers, timeout) => {
      for (;;) {
        const result = await once(url, headers, timeout);
        if (result.stale !== true) return result;
      }
    },
    close: () => agent.destroy(),
  };
}

/** Headers that tie requests of one trace together, and those that the application itself passes on. */
const passed = [
  'x-request-id', 'x-ot-span-context', 'x-datadog-trace-id', 'x-datadog-parent-id', 'x-datadog-sampling-priority', 'traceparent', 'tracestate', 'x-cloud-trace-context', 'grpc-trace-bin',
  'x-b3-traceid', 'x-b3-spanid', 'x-b3-parentspanid', 'x-b3-sampled', 'x-b3-flags', 'b3', 'sw8', 'user-agent', 'cookie', 'authorization', 'jwt',
];

/** The headers of a request that its callees must see. Source: istio.io/latest/docs/tasks/observability/distributed-tracing/overview. */
export function forwardedHeaders(headers: IncomingHttpHeaders, more: readonly string[] = []): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of [...passed, ...more]) {
    const value = headers[name];
    if (value !== undefined) found[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return found;
}

/** `http://HOST[.DOMAIN]:PORT` of a service, from `NAME_HOSTNAME`, `NAME_SERVICE_PORT` and `SERVICES_DOMAIN`. */
export function serviceUrl(name: string, env: Readonly<Record<string, string | undefined>>): string {
  const key = name.toUpperCase();
  const domain = env['SERVICES_DOMAIN'] === undefined || env['SERVICES_DOMAIN'] === '' ? '' : `.${env['SERVICES_DOMAIN']}`;
  return `http://${env[`${key}_HOSTNAME`] ?? name}${domain}:${env[`${key}_SERVICE_PORT`] ?? '9080'}`;
}
