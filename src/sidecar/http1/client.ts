import type { UpstreamRequest, UpstreamFailure } from '../hooks.ts';
import type { Link, LinkReader, Memory } from '../link/index.ts';
import type { Exchange, Mishap } from '../upstream/pool.ts';
import { ReadyBody, type BodySource, type IncomingBody } from './body.ts';
import { BodyReader } from './body-reader.ts';
import { BodyWriter, writeReady, type BodyWriterOwner } from './body-writer.ts';
import { encodeRequestHead } from './encode.ts';
import { HeadCollector, type CompleteHead } from './head-collector.ts';
import { ProtocolError } from './protocol-error.ts';
import { parseResponseHead, type ResponseHead } from './response-head.ts';

/** Who is told when a connection can take another request, and when it cannot any more. */
export interface ClientOwner {
  /** The exchange is over in order and the connection may be used again. */
  idle(client: Http1Client): void;
  /** The connection is gone, whatever it was doing. Once. */
  gone(client: Http1Client): void;
  /** Something to be counted. */
  met(mishap: Mishap): void;
}

/** Most informational responses before the final one. */
const maxInformational = 16;

/** The client side of HTTP/1.1 on one link: one exchange at a time. After any framing error the link is destroyed. */
export class Http1Client implements LinkReader, BodySource, BodyWriterOwner {
  readonly borrows = true;
  /** Exchanges that were started. */
  requests = 0;
  /** When an idle connection should no longer be used; kept by the pool. */
  expires = Number.POSITIVE_INFINITY;
  /** From the upstream's `Keep-Alive: timeout=N`, in seconds. */
  keepAliveTimeout: number | undefined;
  readonly link: Link;
  readonly #owner: ClientOwner;
  #state: 'idle' | 'head' | 'body' | 'closed' = 'idle';
  #collector = new HeadCollector();
  #request: UpstreamRequest | undefined;
  #exchange: Exchange | undefined;
  #head: ResponseHead | undefined;
  #reader: BodyReader | undefined;
  #writer: BodyWriter | undefined;
  #informational = 0;
  #untouched = true;
  /** The connection ends for a reason that was told. */
  #told = false;

  constructor(link: Link, owner: ClientOwner) {
    this.link = link;
    this.#owner = owner;
    link.read(this);
  }

  get memory(): Memory { return this.link.memory; }

  get usable(): boolean {
    return this.#state === 'idle' && !this.link.destroyed;
  }

  /** Sends a request; the connection must be idle. */
  send(request: UpstreamRequest, exchange: Exchange): void {
    this.requests++;
    this.#state = 'head';
    this.#request = request;
    this.#exchange = exchange;
    this.#informational = 0;
    this.#untouched = true;
    const head = encodeRequestHead(request);
    const { body } = request;
    if (request.upgrade !== '') this.link.write(head);
    else if (body instanceof ReadyBody) writeReady(this.link, head, body);
    else {
      this.#writer = new BodyWriter(this.link, body, body.length === undefined, this);
      this.link.cork();
      this.link.write(head);
      this.#writer.start();
      this.link.uncork();
    }
  }

  /** Gives up on what is under way. */
  destroy(): void {
    this.#endsFor('given-up');
    this.#exchange = undefined;
    this.link.destroy();
  }

  data(chunk: Buffer): void {
    if (this.#state === 'idle') this.link.destroy();
    else if (this.#state === 'head') this.#readHead(chunk);
    else if (this.#state === 'body') this.#readBody(chunk);
  }

  end(): void {
    if (this.#state === 'body' && this.#reader?.end() === true) this.#complete();
    this.link.destroy();
  }

  drain(): void {
    this.#writer?.drained();
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#endsFor('cut');
    this.#state = 'closed';
    this.#writer?.abandon('upstream closed');
    this.#writer = undefined;
    this.#reader?.fail('upstream closed');
    this.#fail('reset', 'connection_termination');
    this.#owner.gone(this);
  }

  wanted(): void { /* reading has never stopped */ }

  pause(body: IncomingBody): void {
    if (body === this.#reader?.body) this.link.pause();
  }

  resume(body: IncomingBody): void {
    if (body === this.#reader?.body) this.link.resume();
  }

  cancelled(body: IncomingBody): void {
    if (body !== this.#reader?.body || this.#reader.done) return;
    this.#endsFor('given-up');
    this.link.destroy();
  }

  bodyWritten(writer: BodyWriter): void {
    if (writer !== this.#writer) return;
    this.#writer = undefined;
    if (this.#state === 'body' && this.#reader?.done === true) this.#complete();
  }

  /** The caller broke off: the upstream must not take what it has for a whole request. */
  bodyBroken(writer: BodyWriter): void {
    if (writer !== this.#writer) return;
    this.#writer = undefined;
    this.#endsFor('given-up');
    this.#fail('cancelled', 'downstream_remote_disconnect');
    this.link.destroy();
  }

  #readHead(chunk: Buffer): void {
    this.#untouched = false;
    try {
      let next: Buffer = chunk;
      for (;;) {
        const complete = this.#collector.add(next);
        if (complete === undefined) return;
        const head = parseResponseHead(complete.text, complete.buffer, (this.#request as UpstreamRequest).method);
        if (head.status >= 200 || head.status === 101) {
          this.#open(head, complete);
          return;
        }
        if (++this.#informational > maxInformational) throw new ProtocolError('http1.too_many_informational', 502);
        this.#exchange?.informational?.(head.status, head.headers);
        next = complete.buffer.subarray(complete.offset);
        if (next.length === 0) return;
      }
    } catch (error) {
      this.#broken(error);
    }
  }

  #open(head: ResponseHead, { buffer, offset, whole }: CompleteHead): void {
    if (head.status === 101) {
      this.#switchProtocols(head, Buffer.from(buffer.subarray(offset)));
      return;
    }
    const exchange = this.#exchange as Exchange;
    this.#state = 'body';
    this.#head = head;
    const reader = new BodyReader(head.framing, this, buffer, offset, Number.MAX_SAFE_INTEGER, whole);
    this.#reader = reader;
    this.#exchange = undefined;
    const more = reader.firstEnd < buffer.length;
    if (reader.done) this.#complete(more);
    exchange.response({ status: head.status, headers: head.headers, body: reader.body });
  }

  #switchProtocols(head: ResponseHead, rest: Buffer): void {
    const exchange = this.#exchange as Exchange;
    const wanted = (this.#request as UpstreamRequest).upgrade;
    if (wanted === '' || head.upgrade !== wanted) throw new ProtocolError('http1.unexpected_upgrade', 502);
    this.#exchange = undefined;
    this.#state = 'closed';
    this.link.pause();
    this.link.unread(rest);
    this.#owner.gone(this);
    exchange.response({ status: 101, headers: head.headers, body: ReadyBody.empty, upgraded: this.link });
  }

  #readBody(chunk: Buffer): void {
    const reader = this.#reader as BodyReader;
    try {
      const end = reader.feed(chunk, 0);
      if (reader.done) this.#complete(end < chunk.length);
    } catch (error) {
      this.#broken(error);
    }
  }

  /** The response is here. The link goes on only when the request is out too and nothing came that nobody asked for. */
  #complete(more = false): void {
    const head = this.#head as ResponseHead;
    if (this.#writer !== undefined && head.keepAlive && !more) return;
    if (this.#writer !== undefined || !head.keepAlive || more) {
      this.link.destroy();
      return;
    }
    this.#state = 'idle';
    this.#reader = undefined;
    this.#request = undefined;
    this.keepAliveTimeout = head.keepAliveTimeout ?? this.keepAliveTimeout;
    this.link.resume();
    this.#owner.idle(this);
  }

  #broken(error: unknown): void {
    if (!(error instanceof ProtocolError)) throw error;
    this.#told = true;
    this.#owner.met('violation');
    this.#reader?.fail('upstream protocol error');
    this.#fail('protocol-error', 'protocol_error');
    this.link.destroy();
  }

  /** Tells once why a connection ends on which a response is still to come, in whole or in part. */
  #endsFor(mishap: Mishap): void {
    if (this.#told || (this.#exchange === undefined && this.#reader?.done !== false)) return;
    this.#told = true;
    this.#owner.met(mishap);
  }

  #fail(failure: UpstreamFailure, details: string): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    exchange?.failed(failure, details, this.#untouched);
  }
}

