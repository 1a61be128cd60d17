import type { BodySink, HeaderMap, HttpResponse, OwnRequest, OwnResponse, Unanswered, UpstreamFailure } from '../hooks.ts';
import { Headers, ReadyBody } from '../http1/index.ts';
import type { Runtime, UpstreamConnection } from '../runtime.ts';
import type { Exchange, Pending } from '../upstream/pool.ts';

/** Longest answer that is taken in. */
const longest = 1024 * 1024;

/** Sends a request of this proxy's own to a host of a cluster and takes in what comes back, whole. `timeout` is in milliseconds. */
export function ask(runtime: Pick<Runtime, 'cluster' | 'clock'>, clusterName: string, { method, path, authority, headers: fields, body }: OwnRequest, timeout: number, http2 = false): Promise<OwnResponse | Unanswered> {
  const cluster = runtime.cluster(clusterName);
  if (cluster === undefined) return Promise.resolve({ unanswered: `the cluster ${clusterName} is not there` });
  const host = cluster.pick({});
  if (host === undefined) return Promise.resolve({ unanswered: `${clusterName} has no healthy endpoint` });
  return new Promise((resolve) => {
    const headers = new Headers();
    for (const [name, value] of fields) headers.add(name, value);
    const question = new Question(resolve);
    const pending = cluster.pool(host).send({ method, path, authority, scheme: 'http', headers, body: new ReadyBody(body), upgrade: '', http2 }, question, false);
    question.began(pending, runtime.clock.after(timeout, () => { question.giveUp(`no answer within ${timeout} ms`); }));
  });
}

class Question implements Exchange, BodySink {
  readonly #resolve: (answer: OwnResponse | Unanswered) => void;
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #response: HttpResponse | undefined;
  #pending: Pending | undefined;
  #stopTimer: (() => void) | undefined;
  #over = false;

  constructor(resolve: (answer: OwnResponse | Unanswered) => void) {
    this.#resolve = resolve;
  }

  began(pending: Pending, stopTimer: () => void): void {
    this.#pending = pending;
    this.#stopTimer = stopTimer;
    if (this.#over) stopTimer();
  }

  giveUp(why: string): void {
    if (this.#over) return;
    this.#finish({ unanswered: why });
    this.#pending?.cancel();
  }

  connected(connection: UpstreamConnection): void { void connection; }

  response(response: HttpResponse): void {
    this.#response = response;
    if (this.#over) response.body.cancel('nobody waits');
    else response.body.pipe(this);
  }

  failed(failure: UpstreamFailure, details: string): void {
    this.#finish({ unanswered: details === '' ? failure : `${failure}: ${details}` });
  }

  data(chunk: Buffer): boolean {
    this.#size += chunk.length;
    if (this.#size > longest) this.giveUp('the answer is too long');
    else this.#chunks.push(chunk);
    return true;
  }

  end(trailers: HeaderMap | undefined): void {
    if (this.#response !== undefined) this.#finish({ status: this.#response.status, headers: this.#response.headers, body: Buffer.concat(this.#chunks), trailers });
  }

  error(reason: string): void {
    this.#finish({ unanswered: `the answer broke off: ${reason}` });
  }

  #finish(answer: OwnResponse | Unanswered): void {
    if (this.#over) return;
    this.#over = true;
    this.#stopTimer?.();
    this.#resolve(answer);
  }
}
