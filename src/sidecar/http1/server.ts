import type { Body, Clock, HeaderMap, HttpResponse } from '../hooks.ts';
import { splice, type Link, type LinkReader, type Memory } from '../link/index.ts';
import { ReadyBody, type BodySource, type IncomingBody } from './body.ts';
import { BodyReader } from './body-reader.ts';
import { BodyWriter, writeReady, type BodyWriterOwner } from './body-writer.ts';
import { encodeInformational, encodeResponseHead } from './encode.ts';
import { HeadCollector, type CompleteHead } from './head-collector.ts';
import { IdleTimer } from './idle-timer.ts';
import { ProtocolError } from './protocol-error.ts';
import { parseRequestHead, type RequestHead, type RequestLine } from './request-head.ts';

/** What answers the requests of a connection. */
export interface ServerSession {
  /** A request has begun; its answer is given through `respond` of the connection. */
  open(head: RequestLine, body: Body, progress: RequestProgress): ServerExchange;
  /** What came was not a request; it has been answered with the error's status. */
  invalid(error: ProtocolError): void;
  /** Where `Upgrade: h2c` is taken: after the 101 HTTP/2 goes on, with this request as its first stream; `rest` came behind it. */
  readonly switchToHttp2?: ((head: RequestLine, settings: Buffer, rest: Buffer) => void) | undefined;
}

/** A request while it is served: what is counted of it, and what its caller is told before the answer. */
export interface RequestProgress {
  /** Content bytes so far. */
  readonly bodyBytesRead: number;
  /** Sends a response before the real one, where the caller's version has them. */
  inform(status: number, headers: HeaderMap): void;
}

/** One request, as the codec sees it. */
export interface ServerExchange {
  readonly response: Promise<HttpResponse>;
  /** Makes the response what the caller gets; once, when it has come. */
  finalize(response: HttpResponse): HttpResponse;
  /** The caller has gone, or broke the protocol (`error`); a response is of no use any more. */
  aborted(error: ProtocolError | undefined): void;
  /** The response was written to its end. */
  sent(bodyBytes: number, trailers: HeaderMap | undefined): void;
  /** The response broke off after its head, because of the upstream or of the caller; the connection was closed. */
  broken(bodyBytes: number, by: 'upstream' | 'downstream'): void;
}

/** Limits of a connection, in milliseconds and bytes. 0 switches a timeout off. */
export interface ServerLimits {
  readonly headTimeout: number;
  readonly idleTimeout: number;
  /** Longest pause of the caller inside a body that is wanted. */
  readonly bodyIdleTimeout: number;
  readonly maxBody: number;
  /** It is the upstream that tells a caller to continue; else we do, when its body is asked for. */
  readonly proxyContinue?: boolean;
}

/** Pipelined bytes that are kept while a request is answered; then the link is paused. */
const maxPipelined = 64 * 1024;
const lingerTime = 1000;
/** How long an idle caller may still send a request after it is known that the connection is to end. */
export const farewellTime = 1000;
const empty = Buffer.alloc(0);

/** The server side of HTTP/1.1 on one link: requests one after the other, each judged by itself, answered in order. */
export class Http1Server implements LinkReader, BodySource, BodyWriterOwner {
  readonly borrows = true;
  readonly #link: Link;
  readonly #session: ServerSession;
  readonly #limits: ServerLimits;
  readonly #timer: IdleTimer;
  readonly #collector = new HeadCollector();
  #state: 'head' | 'busy' | 'closing' | 'closed' = 'head';
  #rest: Buffer = empty;
  #head: RequestHead | undefined;
  #exchange: ServerExchange | undefined;
  #reader: BodyReader | undefined;
  #writer: BodyWriter | undefined;
  #continue = false;
  #draining = false;
  #headPending = false;
  #keepAlive = true;

  constructor(link: Link, session: ServerSession, limits: ServerLimits, clock: Clock) {
    this.#link = link;
    this.#session = session;
    this.#limits = limits;
    this.#timer = new IdleTimer(clock, () => this.#expired());
  }

  start(): void {
    this.#timer.arm(this.#limits.idleTimeout);
    this.#link.read(this);
  }

  get memory(): Memory { return this.#link.memory; }

  /**
   * No request after the one that is under way. An idle caller may be sending one just now, and could not tell whether it counted: its next
   * request is answered, with `connection: close`, and only silence is hung up on. Source: RFC 9112 section 9.5.
   */
  shutdown(): void {
    if (this.#draining) return;
    this.#draining = true;
    if (this.#state === 'head' && this.#collector.empty) this.#timer.arm(farewellTime);
  }

  /** Content bytes of the current request so far. */
  get bodyBytesRead(): number {
    return this.#reader?.total ?? 0;
  }

  inform(status: number, headers: HeaderMap): void {
    if (this.#state === 'busy' && this.#exchange !== undefined && this.#writer === undefined && this.#head?.http10 === false) this.#link.write(encodeInformational(status, headers));
  }

  data(chunk: Buffer): void {
    if (this.#state === 'head') this.#readHead(chunk);
    else if (this.#state === 'busy') this.#readBody(chunk);
  }

  /** As in Envoy, a caller that half-closes has gone: nobody can tell it from one that has closed. */
  end(): void {
    this.#link.destroy();
  }

  drain(): void {
    this.#writer?.drained();
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#timer.stop();
    this.#abort(undefined, 'downstream closed');
  }

  wanted(body: IncomingBody): void {
    if (body !== this.#reader?.body) return;
    if (this.#continue) {
      this.#continue = false;
      this.#link.write('HTTP/1.1 100 Continue\r\n\r\n');
    }
    if (!this.#reader.done) this.#timer.arm(this.#limits.bodyIdleTimeout);
  }

  pause(body: IncomingBody): void {
    if (body !== this.#reader?.body) return;
    this.#link.pause();
    this.#timer.disarm();
  }

  resume(body: IncomingBody): void {
    if (body !== this.#reader?.body || this.#rest.length > maxPipelined) return;
    if (!this.#reader.done) this.#timer.arm(this.#limits.bodyIdleTimeout);
    this.#link.resume();
  }

  /** The rest of the body is of no use, so neither is the connection after the response. */
  cancelled(body: IncomingBody): void {
    if (body === this.#reader?.body) this.#keepAlive = false;
  }

  bodyWritten(writer: BodyWriter): void {
    if (writer === this.#writer) this.#finish(writer.written, writer.trailers);
  }

  bodyBroken(writer: BodyWriter): void {
    if (writer !== this.#writer) return;
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#writer = undefined;
    this.#link.destroy();
    exchange?.broken(writer.written, 'upstream');
  }

  #readHead(chunk: Buffer): void {
    try {
      const complete = this.#collector.add(chunk);
      if (complete === undefined) {
        if (this.#limits.headTimeout > 0) this.#armHead();
        return;
      }
      this.#headPending = false;
      const head = parseRequestHead(complete.text, complete.buffer);
      this.#open(head, complete);
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** The deadline of a head is set by its first byte and not moved by the next ones. */
  #armHead(): void {
    if (this.#headPending) return;
    this.#headPending = true;
    this.#timer.arm(this.#limits.headTimeout);
  }

  #open(head: RequestHead, { buffer, offset, whole }: CompleteHead): void {
    this.#state = 'busy';
    this.#timer.disarm();
    this.#head = head;
    this.#keepAlive = head.keepAlive && !this.#draining;
    this.#continue = false;
    if (head.upgrade === 'h2c' && this.#upgrade(head, Buffer.from(buffer.subarray(offset)))) return;
    const reader = new BodyReader(head.framing, this, buffer, offset, this.#limits.maxBody, whole);
    this.#reader = reader;
    this.#continue = head.expectContinue && this.#limits.proxyContinue !== true && !reader.done && reader.total === 0;
    this.#keep(buffer, reader.firstEnd);
    const exchange = this.#session.open(head, reader.body, this);
    this.#exchange = exchange;
    exchange.response.then((response) => this.#respond(exchange, exchange.finalize(response)), (error: unknown) => this.#crash(exchange, error));
  }

  #readBody(chunk: Buffer): void {
    const reader = this.#reader as BodyReader;
    if (reader.done) {
      this.#keep(chunk, 0);
      return;
    }
    try {
      this.#timer.arm(this.#limits.bodyIdleTimeout);
      const end = reader.feed(chunk, 0);
      if (reader.done) this.#timer.disarm();
      if (end < chunk.length) this.#keep(chunk, end);
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** Bytes of the next request wait until this one is answered. */
  #keep(chunk: Buffer, offset: number): void {
    if (offset >= chunk.length) return;
    const more = chunk.subarray(offset);
    this.#rest = this.#rest.length === 0 ? Buffer.from(more) : Buffer.concat([this.#rest, more]);
    if (this.#rest.length > maxPipelined) this.#link.pause();
  }

  #respond(exchange: ServerExchange, response: HttpResponse): void {
    if (exchange !== this.#exchange || this.#state !== 'busy') {
      response.body.cancel('downstream closed');
      response.upgraded?.destroy();
      return;
    }
    if (response.status === 101 && response.upgraded !== undefined) {
      this.#switchProtocols(exchange, response, response.upgraded);
      return;
    }
    const head = this.#head as RequestHead;
    const bodiless = head.method === 'HEAD' || response.status === 204 || response.status === 304;
    if (!(this.#reader as BodyReader).done || this.#draining || (head.http10 && !bodiless && response.body.length === undefined)) this.#keepAlive = false;
    const text = encodeResponseHead(response, { http10: head.http10, bodiless, keepAlive: this.#keepAlive });
    const { body } = response;
    if (bodiless) {
      this.#link.write(text);
      body.cancel('no body wanted');
      this.#finish(0);
    } else if (body instanceof ReadyBody) {
      writeReady(this.#link, text, body);
      this.#finish(body.length);
    } else {
      this.#writer = new BodyWriter(this.#link, body, body.length === undefined && !head.http10, this);
      this.#link.cork();
      this.#link.write(text);
      this.#writer.start();
      this.#link.uncork();
    }
  }

  #finish(bodyBytes: number, trailers?: HeaderMap): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#writer = undefined;
    exchange?.sent(bodyBytes, trailers);
    if (this.#state === 'closed') return;
    if (!this.#keepAlive || !(this.#reader as BodyReader).done) {
      this.#reader?.fail('response ended before the request');
      this.#linger();
      return;
    }
    this.#state = 'head';
    this.#reader = undefined;
    this.#timer.arm(this.#limits.idleTimeout);
    const rest = this.#rest;
    if (rest.length === 0) return;
    this.#rest = empty;
    this.#readHead(rest);
    if (this.#rest.length <= maxPipelined) this.#link.resume();
  }

  /** RFC 7540 section 3.2, for a request without body; others go on in HTTP/1.1. */
  #upgrade(head: RequestHead, rest: Buffer): boolean {
    const { http2Settings, framing } = head;
    const switchToHttp2 = this.#session.switchToHttp2;
    if (switchToHttp2 === undefined || framing !== 0 || http2Settings === undefined || !/^[A-Za-z0-9_-]*=*$/.test(http2Settings) || this.#draining) return false;
    this.#state = 'closed';
    this.#timer.stop();
    this.#link.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: h2c\r\n\r\n');
    switchToHttp2({ ...head, http2: true, upgrade: '' }, Buffer.from(http2Settings, 'base64url'), rest);
    return true;
  }

  #switchProtocols(exchange: ServerExchange, response: HttpResponse, upstream: Link): void {
    this.#exchange = undefined;
    this.#state = 'closed';
    this.#timer.stop();
    this.#link.write(`${encodeResponseHead(response, { http10: false, bodiless: true, keepAlive: true })}connection: Upgrade\r\nupgrade: ${(this.#head as RequestHead).upgrade}\r\n\r\n`);
    this.#link.unread(this.#rest);
    this.#rest = empty;
    splice(this.#link, upstream, ({ backward }) => exchange.sent(backward, undefined));
  }

  /** Answers what is not HTTP, and closes: nobody knows where the next request would start. */
  #refuse(error: unknown): void {
    if (!(error instanceof ProtocolError)) throw error;
    const begun = this.#writer !== undefined;
    const exchange = this.#exchange;
    this.#abort(error, 'downstream protocol error');
    if (exchange === undefined) this.#session.invalid(error);
    if (begun) this.#link.destroy();
    else {
      this.#link.write(`HTTP/1.1 ${error.status} ${reason(error.status)}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
      this.#linger();
    }
  }

  #abort(error: ProtocolError | undefined, why: string): void {
    const exchange = this.#exchange;
    const writer = this.#writer;
    this.#exchange = undefined;
    this.#writer = undefined;
    this.#reader?.fail(why);
    if (writer !== undefined) {
      writer.abandon(why);
      exchange?.broken(writer.written, 'downstream');
    } else exchange?.aborted(error);
  }

  /** Half-closes and drops what still comes for a moment, so that the caller reads the answer before it sees a reset. */
  #linger(): void {
    this.#state = 'closing';
    this.#rest = empty;
    this.#link.end();
    this.#link.resume();
    this.#timer.arm(lingerTime);
  }

  #expired(): void {
    if (this.#state === 'head' && !this.#collector.empty) this.#refuse(new ProtocolError('http1.request_headers_timeout', 408));
    else if (this.#state === 'busy') this.#refuse(new ProtocolError('http1.request_body_timeout', 408));
    else if (this.#state === 'head') this.#linger();
    else this.#link.destroy();
  }

  /** A bug of ours: this caller gets an end, the process its crash report. */
  #crash(exchange: ServerExchange, error: unknown): void {
    if (exchange === this.#exchange) this.#link.destroy();
    throw error;
  }
}

function reason(status: number): string {
  return status === 408 ? 'Request Timeout' : status === 413 ? 'Payload Too Large' : status === 414 ? 'URI Too Long' : status === 417 ? 'Expectation Failed'
    : status === 431 ? 'Request Header Fields Too Large' : status === 405 ? 'Method Not Allowed' : status === 505 ? 'HTTP Version Not Supported' : 'Bad Request';
}
