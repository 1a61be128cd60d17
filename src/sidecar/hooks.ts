import type { DecisionStep, ResponseFlag } from '../contract/index.ts';
import type { Origin, Route } from '../xds/index.ts';

/**
 * The shapes that filters work on. HTTP/1.1 and HTTP/2 codecs make the same ones.
 * Header names are lower-case; a header that came more than once stands more than once.
 */
export interface HeaderMap {
  /** The first value. */
  get(name: string): string | undefined;
  /** All values, joined by a comma, as policy must see them. */
  joined(name: string): string | undefined;
  has(name: string): boolean;
  /** Replaces all values. */
  set(name: string, value: string): void;
  add(name: string, value: string): void;
  delete(name: string): void;
  entries(): Iterable<readonly [string, string]>;
}

/** A message body that is pulled: nothing is read from the socket while nobody asks. */
export interface Body {
  /** Content length when known; 0 for no body; `undefined` for chunked. */
  readonly length: number | undefined;
  /** The whole body when it is already here (small messages), so that no stream is needed. */
  readonly ready: Buffer | undefined;
  /** Reads on; calls back for each chunk and once at the end or on failure. The sink says `false` to pause and calls `resume` later. */
  pipe(sink: BodySink): void;
  resume(): void;
  /** Nobody wants the rest. */
  cancel(reason: string): void;
}

export interface BodySink {
  data(chunk: Buffer): boolean;
  end(trailers: HeaderMap | undefined): void;
  error(reason: string): void;
}

export interface HttpRequest {
  method: string;
  /** Path and query. */
  path: string;
  authority: string;
  scheme: 'http' | 'https';
  readonly headers: HeaderMap;
  body: Body;
  readonly stream: StreamInfo;
}

export interface HttpResponse {
  status: number;
  readonly headers: HeaderMap;
  body: Body;
}

/** What filters and router note about one request; the record is made from it. */
export interface StreamInfo {
  readonly startTime: number;
  readonly direction: 'inbound' | 'outbound';
  route: Route | undefined;
  cluster: string;
  endpoint: string;
  details: string;
  retries: number;
  readonly flags: Set<ResponseFlag>;
  /** Adds a step to the decision trace; cheap: origin and text are kept as they are. */
  step(step: DecisionStep): void;
  /** Aborted when the caller has gone away. */
  readonly signal: AbortSignal;
}

/** What a filter may use besides its config; passed in so that tests decide. */
export interface FilterEnvironment {
  readonly clock: Clock;
  /** In [0, 1). */
  random(): number;
  /** Where the rule was written. */
  readonly origin: Origin | undefined;
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Returns how to cancel. */
  after(milliseconds: number, run: () => void): () => void;
}

export type HttpHandler = (request: HttpRequest) => Promise<HttpResponse>;

/**
 * A filter: config → next → request → response. It is made once per route when config changes, and left out of the chain when its
 * factory returns `undefined` (the feature is not in use there).
 */
export type HttpFilterFactory<Config> = (config: Config, environment: FilterEnvironment) => ((next: HttpHandler) => HttpHandler) | undefined;
