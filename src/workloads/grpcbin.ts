import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { Metadata, Server, ServerCredentials, status, type handleUnaryCall, type MethodDefinition, type ServerDuplexStream, type ServerReadableStream, type ServerWritableStream, type UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Running, StandInContext } from './server.ts';

/** How many messages a stream of the original has. */
const streamLength = 10;
const port = 9000;

type Bytes = Buffer;
type Method = MethodDefinition<Bytes, Bytes>;

/** What a call is told of, whatever its kind: its metadata comes back in head and trailers where it asks for that by `x-echo-…`. */
interface Call {
  readonly metadata: Metadata;
  sendMetadata(metadata: Metadata): void;
}

/**
 * The gRPC test server `moul/grpcbin` on its plaintext port: `grpcbin.GRPCBin` and `hello.HelloService`. A caller's metadata named `x-echo-initial` and `x-echo-trailing-bin`
 * comes back as initial and trailing metadata, as gRPC's interop servers do. Source: github.com/moul/pb, grpcbin.proto and hello.proto.
 */
export async function grpcbin(context: StandInContext): Promise<Running> {
  const server = new Server({ 'grpc.max_receive_message_length': 16 * 1024 * 1024, 'grpc.enable_channelz': 0 });
  const { service, implementation } = methods(context);
  server.addService(service, implementation);
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`0.0.0.0:${context.listenPort(port)}`, ServerCredentials.createInsecure(), (error, given) => { if (error === null) resolve(given); else reject(error); });
  });
  context.log(`listening on ${port}`);
  return { ports: new Map([[port, bound]]), stop: () => { server.forceShutdown(); return Promise.resolve(); } };
}

/** Messages stay bytes: most are sent back as they are. */
function methods(context: StandInContext): { readonly service: Record<string, Method>; readonly implementation: UntypedServiceImplementation } {
  const service: Record<string, Method> = {};
  const implementation: UntypedServiceImplementation = {};
  const same = (bytes: Bytes): Bytes => bytes;
  const add = (path: string, streams: { readonly request?: boolean; readonly response?: boolean }, handler: UntypedServiceImplementation[string]): void => {
    service[path] = { path, requestStream: streams.request === true, responseStream: streams.response === true, requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same };
    implementation[path] = handler;
  };
  const unary = (path: string, answer: (request: Bytes, call: Call) => Bytes): void => add(path, {}, ((call, respond) => {
    context.log(path);
    respond(null, answer(call.request, call), echoed(call));
  }) satisfies handleUnaryCall<Bytes, Bytes>);
  addBin(add, unary, context);
  addHello(add, unary);
  return { service, implementation };
}

type Add = (path: string, streams: { readonly request?: boolean; readonly response?: boolean }, handler: UntypedServiceImplementation[string]) => void;
type AddUnary = (path: string, answer: (request: Bytes, call: Call) => Bytes) => void;

const nothing = Buffer.alloc(0);

function addBin(add: Add, unary: AddUnary, context: StandInContext): void {
  const name = (method: string): string => `/grpcbin.GRPCBin/${method}`;
  unary(name('Index'), () => text(1, 'gRPC testing server'));
  unary(name('Empty'), () => nothing);
  unary(name('DummyUnary'), (request) => request);
  unary(name('HeadersUnary'), (_, { metadata }) => headersMessage(metadata));
  add(name('NoResponseUnary'), {}, ((call) => { call.on('cancelled', () => { context.log('NoResponseUnary was cancelled'); }); }) satisfies handleUnaryCall<Bytes, Bytes>);
  add(name('DummyServerStream'), { response: true }, (call: ServerWritableStream<Bytes, Bytes>) => { repeat(call, () => call.request); });
  add(name('DummyClientStream'), { request: true }, ((call, respond) => { collect(call, streamLength, (messages) => respond(null, messages.at(-1) ?? nothing, echoed(call))); }) satisfies ClientStreamHandler);
  add(name('DummyBidirectionalStreamStream'), { request: true, response: true }, (call: ServerDuplexStream<Bytes, Bytes>) => {
    call.on('cancelled', () => { context.log('DummyBidirectionalStreamStream was cancelled'); });
    converse(call, (request) => request);
  });
  add(name('SpecificError'), {}, ((call, respond) => {
    const { code, reason } = specificError(call.request);
    respond({ code, details: reason, metadata: echoed(call) });
  }) satisfies handleUnaryCall<Bytes, Bytes>);
  add(name('RandomError'), {}, ((_, respond) => respond({ code: status.INTERNAL, details: 'random error' })) satisfies handleUnaryCall<Bytes, Bytes>);
}

type ClientStreamHandler = (call: ServerReadableStream<Bytes, Bytes>, respond: (error: null, answer: Bytes, trailers?: Metadata) => void) => void;

function addHello(add: Add, unary: AddUnary): void {
  const name = (method: string): string => `/hello.HelloService/${method}`;
  const hello = (request: Bytes): Bytes => text(1, `hello ${greeting(request)}`);
  unary(name('SayHello'), hello);
  add(name('LotsOfReplies'), { response: true }, (call: ServerWritableStream<Bytes, Bytes>) => { repeat(call, () => hello(call.request)); });
  add(name('LotsOfGreetings'), { request: true }, ((call, respond) => { collect(call, Infinity, (all) => respond(null, text(1, `hello ${all.map(greeting).join(', ')}`), echoed(call))); }) satisfies ClientStreamHandler);
  add(name('BidiHello'), { request: true, response: true }, (call: ServerDuplexStream<Bytes, Bytes>) => { converse(call, hello); });
}

/** What the caller asked to see again. Its initial part is sent now. */
function echoed(call: Call): Metadata {
  const initial = call.metadata.get('x-echo-initial');
  if (initial.length > 0) {
    const head = new Metadata();
    for (const value of initial) head.add('x-echo-initial', value);
    call.sendMetadata(head);
  }
  const trailers = new Metadata();
  for (const value of call.metadata.get('x-echo-trailing-bin')) trailers.add('x-echo-trailing-bin', value);
  return trailers;
}

function repeat(call: ServerWritableStream<Bytes, Bytes>, message: () => Bytes): void {
  const trailers = echoed(call);
  for (let sent = 0; sent < streamLength; sent++) call.write(message());
  call.end(trailers);
}

function collect(call: ServerReadableStream<Bytes, Bytes>, most: number, done: (messages: readonly Bytes[]) => void): void {
  const messages: Bytes[] = [];
  let over = false;
  const finish = (): void => {
    if (over) return;
    over = true;
    done(messages);
  };
  call.on('data', (message: Bytes) => { if (messages.push(message) >= most) finish(); });
  call.on('end', finish);
}

function converse(call: ServerDuplexStream<Bytes, Bytes>, answer: (request: Bytes) => Bytes): void {
  const trailers = echoed(call);
  call.on('data', (message: Bytes) => {
    if (call.write(answer(message))) return;
    call.pause();
    call.once('drain', () => { call.resume(); });
  });
  call.on('end', () => { call.end(trailers); });
}

/** A message with one string. */
function text(field: number, value: string): Bytes {
  return Buffer.from(new BinaryWriter().tag(field, 2).string(value).finish());
}

/** HeadersMessage: a map of names to lists of values. */
function headersMessage(metadata: Metadata): Bytes {
  const writer = new BinaryWriter();
  for (const name of Object.keys(metadata.getMap())) {
    const values = new BinaryWriter();
    for (const value of metadata.get(name)) values.tag(1, 2).string(value.toString());
    writer.tag(1, 2).fork().tag(1, 2).string(name).tag(2, 2).bytes(values.finish()).join();
  }
  return Buffer.from(writer.finish());
}

function greeting(request: Bytes): string {
  let found = '';
  each(request, (field, type, reader) => {
    if (field === 1 && type === 2) found = reader.string();
    else reader.skip(type, field);
  });
  return found;
}

function specificError(request: Bytes): { readonly code: status; readonly reason: string } {
  let code = 0;
  let reason = '';
  each(request, (field, type, reader) => {
    if (field === 1 && type === 0) code = reader.uint32();
    else if (field === 2 && type === 2) reason = reader.string();
    else reader.skip(type, field);
  });
  return { code, reason };
}

function each(message: Bytes, take: (field: number, type: number, reader: BinaryReader) => void): void {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    take(field, type, reader);
  }
}
