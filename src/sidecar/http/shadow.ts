import type { Body, BodySink, HttpRequest, HttpResponse, UpstreamFailure } from '../hooks.ts';
import { Headers, ReadyBody } from '../http1/index.ts';
import type { Runtime, UpstreamConnection } from '../runtime.ts';
import type { Exchange } from '../upstream/pool.ts';
import { peerHeader, peerIdHeader, protocolHeader } from './peers.ts';

/** Longest that a mirrored request may take. */
const shadowTimeout = 15_000;

/** Sends a copy of a request and forgets it: no failure of it is anybody's. */
export function shadow(runtime: Runtime, clusterName: string, request: HttpRequest, authority: string, body: Buffer): void {
  const cluster = runtime.cluster(clusterName);
  const host = cluster?.pick({});
  if (cluster === undefined || host === undefined) return;
  const headers = new Headers();
  for (const [name, value] of request.headers.entries()) if (name !== peerHeader && name !== peerIdHeader && name !== protocolHeader) headers.push(name, value);
  const { method, path, scheme, http2 } = request;
  const exchange = new Forgotten();
  const pending = cluster.pool(host).send({ method, path, authority, scheme, headers, body: new ReadyBody(body), upgrade: '', http2 }, exchange, false);
  exchange.stopTimer = runtime.clock.after(shadowTimeout, () => pending.cancel());
  if (exchange.over) exchange.stopTimer();
}

class Forgotten implements Exchange, BodySink {
  over = false;
  stopTimer: (() => void) | undefined;

  connected(connection: UpstreamConnection): void { void connection; }

  response(response: HttpResponse): void {
    const body: Body = response.body;
    body.pipe(this);
  }

  failed(failure: UpstreamFailure): void {
    void failure;
    this.end();
  }

  data(): boolean { return true; }

  end(): void {
    this.over = true;
    this.stopTimer?.();
  }

  error(): void { this.end(); }
}
