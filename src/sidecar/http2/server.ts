import { randomBytes } from 'node:crypto';
import type { Clock, HeaderMap, HttpResponse } from '../hooks.ts';
import { Headers, IdleTimer, ProtocolError, ReadyBody, type IncomingBody, type RequestLine, type ServerExchange, type ServerLimits, type ServerSession } from '../http1/index.ts';
import type { Link } from '../link/index.ts';
import { Http2Connection } from './connection.ts';
import { encodeInformational, encodeResponse } from './encode.ts';
import { requestFields, type RequestFields } from './fields.ts';
import type { FieldBlock } from './hpack-decoder.ts';
import type { KeepaliveOptions } from './keepalive.ts';
import { ConnectionError, errorCode } from './protocol.ts';
import type { Http2Role } from './role.ts';
import type { Http2Stream, StreamEnd, StreamEvents } from './stream.ts';
import { tunnel } from './tunnel.ts';

/** Windows and streams that a server allows. */
export interface Http2ServerLimits extends ServerLimits {
  readonly streamWindow: number;
  readonly connectionWindow: number;
  readonly maxConcurrentStreams: number;
  /** Takes extended CONNECT, RFC 8441. */
  readonly allowConnect?: boolean;
  readonly keepalive?: KeepaliveOptions | undefined;
}

/** The server side of HTTP/2 on one link: many requests at a time, each judged by itself. */
export class Http2Server implements Http2Role {
  readonly side = 'server';
  readonly session: ServerSession;
  readonly limits: Http2ServerLimits;
  readonly clock: Clock;
  readonly connection: Http2Connection;

  constructor(link: Link, session: ServerSession, limits: Http2ServerLimits, clock: Clock) {
    this.session = session;
    this.limits = limits;
    this.clock = clock;
    this.connection = new Http2Connection(link, this, limits, clock);
  }

  start(): void {
    this.connection.start();
  }

  /** Goes on after `Upgrade: h2c`: the request that asked for it is stream 1. Without settings that make sense the connection ends. */
  upgraded(head: RequestLine, settings: Buffer): void {
    try {
      this.connection.adopt(settings, (adopted) => new ServerStream(adopted, this, head));
      this.connection.start();
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.connection.link.destroy();
    }
  }

  /** Ends after the requests that are under way. */
  shutdown(): void {
    this.connection.shutdown();
  }

  accept(stream: Http2Stream): StreamEvents {
    return new ServerStream(stream, this);
  }

  changed(): void { /* a server opens no streams */ }
  idled(): void { /* nobody counts it */ }

  closed(details: string | undefined): void {
    if (details !== undefined) this.session.invalid(new ProtocolError(details, 0));
  }
}

/** One request and its answer. */
class ServerStream implements StreamEvents {
  readonly keepsHead = false;
  readonly #stream: Http2Stream;
  readonly #server: Http2Server;
  #head: RequestLine | undefined;
  #exchange: ServerExchange | undefined;
  #request: ReadyBody | IncomingBody | undefined;
  #responded = false;
  #continue = false;
  #timer: IdleTimer | undefined;

  /** `head` when it did not come as a block. */
  constructor(stream: Http2Stream, server: Http2Server, head?: RequestLine) {
    this.#stream = stream;
    this.#server = server;
    this.#head = head;
  }

  /** Content bytes of the request so far. */
  get bodyBytesRead(): number {
    return this.#stream.received;
  }

  inform(status: number, headers: HeaderMap): void {
    const { sender: { encoder } } = this.#server.connection;
    if (this.#exchange !== undefined && !this.#responded && !this.#stream.closed) this.#stream.sendHead(encodeInformational(encoder, status, headers), false);
  }

  head(block: FieldBlock, endStream: boolean): boolean {
    let fields: RequestFields;
    try {
      fields = requestFields(block);
      // Nobody was told that it would be understood.
      if (fields.upgrade !== '' && this.#server.limits.allowConnect !== true) throw new ProtocolError('http2.invalid_pseudo_header', 0);
      if ((fields.contentLength ?? 0) > this.#server.limits.maxBody) throw new ProtocolError('http2.body_too_large', 413);
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.status === 0) throw error;
      this.#stream.remoteEnded = endStream;
      this.#refuse(error);
      return false;
    }
    const { method, path, authority, names, values, contentLength, expectContinue, upgrade } = fields;
    this.#stream.expected = contentLength;
    this.#continue = expectContinue && this.#server.limits.proxyContinue !== true;
    this.#head = { method, path, authority, headers: Headers.from(names, values), upgrade, http2: true, expectContinue };
    // HTTP/1.1 wants a key for it, which callers over HTTP/2 do not send.
    if (upgrade === 'websocket') this.#head.headers.set('sec-websocket-key', randomBytes(16).toString('base64'));
    return true;
  }

  ready(body: ReadyBody | IncomingBody): void {
    const { session } = this.#server;
    this.#request = body;
    const exchange = session.open(this.#head as RequestLine, body, this);
    this.#exchange = exchange;
    exchange.response.then((response) => this.#respond(exchange.finalize(response)), (error: unknown) => {
      this.#server.connection.link.destroy();
      throw error;
    });
  }

  wanted(): void {
    if (this.#continue && this.#stream.received === 0 && !this.#responded) this.#stream.sendHead(this.#server.connection.sender.encoder.common(':status', '100'), false);
    this.#continue = false;
    const { bodyIdleTimeout } = this.#server.limits;
    // A body of known length is an upload; one without may be a conversation that is silent for long.
    if (this.#stream.expected === undefined || this.#stream.remoteEnded || bodyIdleTimeout === 0) return;
    this.#timer = new IdleTimer(this.#server.clock, () => this.#timedOut());
    this.#timer.arm(bodyIdleTimeout);
  }

  progress(): void {
    this.#timer?.arm(this.#server.limits.bodyIdleTimeout);
  }

  received(): void {
    this.#timer?.stop();
  }

  unwanted(): void { /* the answer may still be on its way; what comes is dropped, and the window stays shut */ }

  sent(trailers: HeaderMap | undefined): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    exchange?.sent(this.#stream.written, trailers);
    if (!this.#stream.remoteEnded) this.#server.connection.resetStream(this.#stream, errorCode.none);
  }

  sourceBroken(): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#server.connection.resetStream(this.#stream, errorCode.internal);
    exchange?.broken(this.#stream.written, 'upstream');
  }

  complete(): void {
    this.#timer?.stop();
  }

  aborted(why: StreamEnd): void {
    this.#timer?.stop();
    const exchange = this.#exchange;
    this.#exchange = undefined;
    const error = why.kind === 'violation' ? new ProtocolError(why.details, 0) : undefined;
    if (exchange === undefined) {
      if (error !== undefined && !this.#responded) this.#server.session.invalid(error);
    } else if (this.#responded) exchange.broken(this.#stream.written, 'downstream');
    else exchange.aborted(error);
  }

  #respond(response: HttpResponse): void {
    if (this.#exchange === undefined || this.#stream.closed) {
      response.body.cancel('downstream closed');
      response.upgraded?.destroy();
      return;
    }
    this.#responded = true;
    if (response.status === 101 && response.upgraded !== undefined) {
      this.#switchProtocols(response, response.upgraded);
      return;
    }
    const { status, body } = response;
    const bodiless = this.#head?.method === 'HEAD' || status === 204 || status === 304;
    const empty = bodiless || (body instanceof ReadyBody && body.length === 0);
    this.#stream.sendHead(encodeResponse(this.#server.connection.sender.encoder, response, bodiless), empty);
    if (bodiless) body.cancel('no body wanted');
    else if (!empty) this.#stream.sendBody(body);
  }

  /** HTTP/2 has no 101: a 200 says that the stream is the other protocol's from now on. */
  #switchProtocols(response: HttpResponse, upstream: Link): void {
    response.headers.delete('sec-websocket-accept');
    const { encoder } = this.#server.connection.sender;
    this.#stream.sendHead(encodeResponse(encoder, { status: 200, headers: response.headers, body: response.body }, true), false);
    this.#stream.sendBody(tunnel(upstream, this.#request as ReadyBody | IncomingBody));
  }

  /** Answers what is a message, but none that can be served. */
  #refuse(error: ProtocolError): void {
    this.#responded = true;
    this.#server.session.invalid(error);
    const { encoder } = this.#server.connection.sender;
    this.#stream.sendHead(encoder.common(':status', String(error.status)) + encoder.field('content-length', '0'), true);
  }

  #timedOut(): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#server.connection.resetStream(this.#stream, errorCode.cancel);
    if (this.#responded) exchange?.broken(this.#stream.written, 'downstream');
    else exchange?.aborted(new ProtocolError('http2.request_body_timeout', 408));
  }
}
