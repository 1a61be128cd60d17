import type { RequestFacts } from '../../routing/index.ts';
import type { Body, HttpRequest } from '../hooks.ts';
import type { Headers, RequestLine } from '../http1/index.ts';
import type { Stream } from './stream.ts';

/** A request on its way through filters and router; also what routes are matched against. */
export class ProxiedRequest implements HttpRequest, RequestFacts {
  method: string;
  path: string;
  authority: string;
  scheme: 'http' | 'https';
  body: Body;
  readonly headers: Headers;
  readonly upgrade: string;
  readonly expectContinue: boolean;
  http2: boolean;
  readonly stream: Stream;

  constructor(message: Omit<RequestLine, 'upgrade' | 'expectContinue'>, scheme: 'http' | 'https', body: Body, upgrade: string, stream: Stream, expectContinue = false) {
    this.method = message.method;
    this.path = message.path;
    this.authority = message.authority;
    this.scheme = scheme;
    this.headers = message.headers;
    this.body = body;
    this.upgrade = upgrade;
    this.http2 = message.http2;
    this.expectContinue = expectContinue;
    this.stream = stream;
  }

  /** Values of a repeated header joined, as matching must see them. */
  header(name: string): string | undefined {
    return this.headers.joined(name);
  }

  metadata(filter: string): unknown {
    return this.stream.metadata.get(filter);
  }
}
