import type { BodySink, HttpResponse } from '../hooks.ts';
import { Headers, ReadyBody } from '../http1/index.ts';
import type { Runtime } from '../runtime.ts';

/** Where a batch goes. */
export interface Destination {
  /** A cluster of the proxy. */
  readonly cluster: string;
  readonly authority: string;
  readonly path: string;
  /** gRPC: HTTP/2, and the message in its frame. */
  readonly grpc: boolean;
  readonly contentType: string;
  readonly headers: readonly (readonly [string, string])[];
  /** Milliseconds. */
  readonly timeout: number;
}

/** Posts bytes to a host of a cluster, with whatever transport the cluster has. Resolves with why it was not taken; empty when it was. */
export function post(runtime: Pick<Runtime, 'cluster' | 'clock'>, to: Destination, content: Uint8Array): Promise<string> {
  const cluster = runtime.cluster(to.cluster);
  if (cluster === undefined) return Promise.resolve(`there is no cluster ${to.cluster}`);
  const host = cluster.pick({});
  if (host === undefined) return Promise.resolve(`${to.cluster} has no healthy host`);
  const body = to.grpc ? framed(content) : Buffer.from(content);
  const headers = new Headers();
  for (const [name, value] of [['content-type', to.grpc ? 'application/grpc' : to.contentType], ['content-length', String(body.length)], ['user-agent', 'weft'], ...(to.grpc ? [['te', 'trailers'] as const] : []), ...to.headers] as const) headers.push(name.toLowerCase(), value);
  return new Promise((resolve) => {
    let stopTimer = (): void => undefined;
    const done = (why: string): void => {
      stopTimer();
      resolve(why);
    };
    const sink = (response: HttpResponse): BodySink => ({
      data: () => true,
      end: (trailers) => {
        const grpcStatus = trailers?.get('grpc-status') ?? response.headers.get('grpc-status');
        done(response.status >= 300 ? `it answered ${response.status}` : to.grpc && grpcStatus !== '0' ? `it answered gRPC status ${grpcStatus ?? 'none'}` : '');
      },
      error: (reason) => done(reason),
    });
    const pending = cluster.pool(host).send({ method: 'POST', path: to.path, authority: to.authority, scheme: 'http', headers, body: new ReadyBody(body), upgrade: '', http2: to.grpc }, {
      connected: () => undefined, response: (response) => response.body.pipe(sink(response)), failed: (failure, details) => done(`${failure} (${details})`),
    }, false);
    // What has failed by now has resolved, and a second time has no effect.
    stopTimer = runtime.clock.after(to.timeout, () => {
      pending.cancel();
      resolve(`no answer within ${to.timeout} ms`);
    });
  });
}

function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
}
