import type { Clock, HeaderMap, UpstreamRequest } from '../hooks.ts';
import { Headers, ProtocolError, ReadyBody, type IncomingBody } from '../http1/index.ts';
import type { Link } from '../link/index.ts';
import type { Exchange, Mishap } from '../upstream/pool.ts';
import { Http2Connection } from './connection.ts';
import { encodeRequest } from './encode.ts';
import { responseFields, type ResponseFields } from './fields.ts';
import type { FieldBlock } from './hpack-decoder.ts';
import { errorCode } from './protocol.ts';
import type { Http2Options, Http2Role } from './role.ts';
import type { Http2Stream, StreamEnd, StreamEvents } from './stream.ts';

/** Who is told how a connection fares. */
export interface Http2ClientOwner {
  /** Streams ended, or the peer allows another number of them. */
  changed(client: Http2Client): void;
  /** The connection ends, for nothing was asked of it for so long. */
  idled(): void;
  /** The connection is gone. Once. */
  gone(client: Http2Client): void;
  /** Something to be counted. */
  met(mishap: Mishap): void;
}

/** A request that is under way. */
export interface Http2Request {
  /** Gives it up; nobody is told. */
  cancel(): void;
}

/** Most informational responses before the final one. */
const maxInformational = 16;

/** The client side of HTTP/2 on one link. */
export class Http2Client implements Http2Role {
  readonly side = 'client';
  readonly connection: Http2Connection;
  /** Streams that were opened. */
  requests = 0;
  readonly #owner: Http2ClientOwner;
  #cut = false;

  constructor(link: Link, owner: Http2ClientOwner, options: Http2Options, clock: Clock) {
    this.#owner = owner;
    this.connection = new Http2Connection(link, this, options, clock);
  }

  /** Says the preface; requests may be sent at once. */
  start(): void {
    this.connection.start();
  }

  /** Another request may be sent now. */
  get usable(): boolean {
    return this.connection.usable && this.connection.active < this.connection.peer.maxConcurrentStreams;
  }

  /** Sends a request; the client must be usable. `over` is called once when its stream has ended, however that was. */
  send(request: UpstreamRequest, exchange: Exchange, over: () => void): Http2Request {
    this.requests++;
    const events = new ClientStream(this, request.method === 'HEAD', exchange, over);
    const stream = this.connection.open(events);
    events.begin(stream, request);
    return events;
  }

  /** Ends after the requests that are under way. */
  shutdown(): void {
    this.connection.shutdown();
  }

  accept(): never {
    throw new Error('a server opens no streams');
  }

  changed(): void {
    this.#owner.changed(this);
  }

  idled(): void {
    this.#owner.idled();
  }

  closed(details: string | undefined): void {
    if (details !== undefined) this.#owner.met('violation');
    else if (this.#cut) this.#owner.met('cut');
    this.#owner.gone(this);
  }

  /** What became of a stream: the connection broke off under it, or something to be counted at once. */
  met(mishap: Mishap): void {
    if (mishap === 'cut') this.#cut = true;
    else this.#owner.met(mishap);
  }
}

class ClientStream implements StreamEvents, Http2Request {
  readonly keepsHead = true;
  readonly #client: Http2Client;
  readonly #connection: Http2Connection;
  readonly #forHead: boolean;
  #exchange: Exchange | undefined;
  #stream: Http2Stream | undefined;
  #over: (() => void) | undefined;
  #fields: ResponseFields | undefined;
  #informational = 0;
  #untouched = true;
  /** It was we who reset it. */
  #ours = false;

  constructor(client: Http2Client, forHead: boolean, exchange: Exchange, over: () => void) {
    this.#client = client;
    this.#connection = client.connection;
    this.#forHead = forHead;
    this.#exchange = exchange;
    this.#over = over;
  }

  begin(stream: Http2Stream, request: UpstreamRequest): void {
    this.#stream = stream;
    const { body } = request;
    const empty = body instanceof ReadyBody && body.length === 0;
    stream.sendHead(encodeRequest(this.#connection.sender.encoder, request), empty);
    if (!empty) stream.sendBody(body);
  }

  cancel(): void {
    this.#exchange = undefined;
    this.#giveUp();
  }

  head(block: FieldBlock, endStream: boolean): boolean {
    this.#untouched = false;
    const fields = responseFields(block);
    const { status } = fields;
    if (status < 200) {
      if (endStream) throw new ProtocolError('http2.informational_ends_stream', 502);
      if (++this.#informational > maxInformational) throw new ProtocolError('http2.too_many_informational', 502);
      this.#exchange?.informational?.(status, Headers.from(fields.names, fields.values));
      return false;
    }
    this.#fields = fields;
    const stream = this.#stream as Http2Stream;
    if (this.#forHead || status === 304 || status === 204) stream.expected = 0;
    else stream.expected = fields.contentLength;
    return true;
  }

  ready(body: ReadyBody | IncomingBody): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    const { status, names, values } = this.#fields as ResponseFields;
    const headers = Headers.from(names, values);
    if (status === 204) headers.delete('content-length');
    exchange?.response({ status, headers, body });
    if (exchange === undefined) body.cancel('cancelled');
    this.#endEarly();
  }

  wanted(): void { /* reading has never stopped */ }
  progress(): void { /* timeouts are the route's */ }

  unwanted(): void {
    this.#giveUp();
  }

  sent(trailers: HeaderMap | undefined): void { void trailers; }

  /** The caller broke off: the upstream must not take what it has for a whole request. */
  sourceBroken(): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#giveUp();
    exchange?.failed('cancelled', 'downstream_remote_disconnect', this.#untouched);
  }

  received(): void {
    if (this.#exchange === undefined) this.#endEarly();
  }

  complete(): void {
    this.#finish();
  }

  aborted(why: StreamEnd): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#finish();
    if (!this.#ours) this.#client.met(mishapOf(why));
    if (why.kind === 'refused') exchange?.failed('refused-stream', 'remote_refused_stream_reset', true);
    else if (why.kind === 'reset') exchange?.failed('reset', 'remote_reset', this.#untouched);
    else if (why.kind === 'violation' || why.details?.startsWith('http2.') === true) exchange?.failed('protocol-error', 'protocol_error', this.#untouched);
    else exchange?.failed('reset', 'connection_termination', this.#untouched);
  }

  /** A server that has answered wants no more of the request. */
  #endEarly(): void {
    const stream = this.#stream;
    if (stream?.remoteEnded !== true || stream.localEnded) return;
    this.#ours = true;
    this.#connection.resetStream(stream, errorCode.none);
  }

  #giveUp(): void {
    const stream = this.#stream;
    if (stream === undefined || stream.closed) return;
    this.#ours = true;
    this.#client.met('given-up');
    this.#connection.resetStream(stream, errorCode.cancel);
  }

  #finish(): void {
    const over = this.#over;
    this.#over = undefined;
    over?.();
  }
}

function mishapOf({ kind }: StreamEnd): Mishap {
  return kind === 'connection' ? 'cut' : kind === 'violation' ? kind : 'reset';
}
