import { Client, credentials, Metadata, type ClientDuplexStream, type ClientReadableStream, type ClientWritableStream, type ServiceError, type StatusObject } from '@grpc/grpc-js';

/** How a call ended, as its caller saw it. */
export interface GrpcOutcome {
  readonly code: number;
  readonly details: string;
  /** Hex digests would hide what differs: lengths and the first bytes of what came. */
  readonly messages: readonly string[];
  readonly initial: readonly string[];
  readonly trailing: readonly string[];
}

type Calls = Readonly<Record<string, GrpcOutcome>>;
type Bytes = Buffer;

const same = (bytes: Bytes): Bytes => bytes;
const bin = (method: string): string => `/grpcbin.GRPCBin/${method}`;
/** Field 1, a string of `length` times the letter. */
const message = (letter: string, length: number): Bytes => Buffer.concat([Buffer.from([0x0a]), varint(length), Buffer.alloc(length, letter)]);
const shape = (bytes: Bytes): string => `${bytes.length} ${bytes.subarray(-2).toString('latin1')}`;

/** A status message with everything that percent-encoding is for, as in gRPC's interop case `special_status_message`. */
export const specialMessage = '\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n';

function varint(value: number): Bytes {
  const bytes: number[] = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return Buffer.from([...bytes, value]);
}

/** Makes every kind of call to a grpcbin, one after the other. */
export async function callGrpc(address: string, authority: string): Promise<Calls> {
  const client = new Client(address, credentials.createInsecure(), { 'grpc.default_authority': authority, 'grpc.max_receive_message_length': 16 * 1024 * 1024, 'grpc.enable_retries': 0 });
  const asked = (): Metadata => {
    const metadata = new Metadata();
    metadata.set('x-echo-initial', 'head');
    metadata.set('x-echo-trailing-bin', Buffer.from([0, 1, 0xab, 0xff]));
    return metadata;
  };
  const unary = (method: string, request: Bytes, options: { readonly deadline?: number } = {}): Promise<GrpcOutcome> => outcomeOf((seen) => {
    const call = client.makeUnaryRequest(method, same, same, request, asked(), options.deadline === undefined ? {} : { deadline: Date.now() + options.deadline }, (error, answer) => { seen.answered(error, answer); });
    seen.watch(call);
    return call;
  });
  const error = (code: number, reason: string): Bytes => Buffer.concat([Buffer.from([0x08, code, 0x12]), varint(Buffer.byteLength(reason)), Buffer.from(reason)]);

  const results: Record<string, GrpcOutcome> = {
    'empty unary': await unary(bin('Empty'), Buffer.alloc(0)),
    'large unary': await unary(bin('DummyUnary'), message('a', 1024 * 1024)),
    'hello': await unary('/hello.HelloService/SayHello', message('w', 5)),
    'special status': await unary(bin('SpecificError'), error(2, specialMessage)),
    'unimplemented method': await unary(bin('Nothing'), Buffer.alloc(0)),
    'unimplemented service': await unary('/nothing.Nothing/Nothing', Buffer.alloc(0)),
    'deadline': await unary(bin('NoResponseUnary'), Buffer.alloc(0), { deadline: 700 }),
    'server stream': await outcomeOf((seen) => seen.read(client.makeServerStreamRequest(bin('DummyServerStream'), same, same, message('s', 64 * 1024), asked()))),
    'client stream': await outcomeOf((seen) => {
      const call = client.makeClientStreamRequest(bin('DummyClientStream'), same, same, asked(), (failure, answer) => { seen.answered(failure, answer); });
      for (let sent = 1; sent <= 10; sent++) call.write(message('c', sent * 10_000));
      call.end();
      return seen.watch(call);
    }),
    'ping pong': await outcomeOf((seen) => {
      const call = client.makeBidiStreamRequest(bin('DummyBidirectionalStreamStream'), same, same, asked());
      const sizes = [31_415, 9, 2_653, 58_979];
      const next = (): void => { const size = sizes.shift(); if (size === undefined) call.end(); else call.write(message('p', size)); };
      call.on('data', next);
      next();
      return seen.read(call);
    }),
    'empty stream': await outcomeOf((seen) => {
      const call = client.makeBidiStreamRequest(bin('DummyBidirectionalStreamStream'), same, same, asked());
      call.end();
      return seen.read(call);
    }),
    'cancel after begin': await outcomeOf((seen) => {
      const call = client.makeClientStreamRequest(bin('DummyClientStream'), same, same, asked(), (failure, answer) => { seen.answered(failure, answer); });
      setImmediate(() => { call.cancel(); });
      return seen.watch(call);
    }),
    'cancel after first response': await outcomeOf((seen) => {
      const call = client.makeBidiStreamRequest(bin('DummyBidirectionalStreamStream'), same, same, asked());
      call.on('data', () => { call.cancel(); });
      call.write(message('p', 100));
      return seen.read(call);
    }),
  };
  for (let code = 1; code <= 16; code++) results[`status ${code}`] = await unary(bin('SpecificError'), error(code, `reason ${code}`));
  client.close();
  return results;
}

type Watchable = ReturnType<Client['makeUnaryRequest']> | ClientWritableStream<Bytes> | Readable;
type Readable = ClientReadableStream<Bytes> | ClientDuplexStream<Bytes, Bytes>;

/** What a call comes to. */
function outcomeOf(start: (seen: Seen) => unknown): Promise<GrpcOutcome> {
  return new Promise((resolve) => { start(new Seen(resolve)); });
}

/** Collects what a caller sees of a call until its status has come. */
class Seen {
  readonly #done: (outcome: GrpcOutcome) => void;
  readonly #messages: string[] = [];
  #initial: readonly string[] = [];
  #status: StatusObject | undefined;
  #awaitsAnswer = false;

  constructor(done: (outcome: GrpcOutcome) => void) {
    this.#done = done;
  }

  watch(call: Watchable): void {
    this.#awaitsAnswer = true;
    this.#listen(call);
  }

  read(call: Readable): void {
    call.on('data', (bytes: Bytes) => { this.#messages.push(shape(bytes)); });
    // The status says it too.
    call.on('error', () => undefined);
    this.#listen(call);
  }

  answered(error: ServiceError | null, answer: Bytes | undefined): void {
    if (error === null && answer !== undefined) this.#messages.push(shape(answer));
    this.#awaitsAnswer = false;
    this.#settle();
  }

  #listen(call: Watchable): void {
    call.on('metadata', (metadata: Metadata) => { this.#initial = metadata.get('x-echo-initial').map(String); });
    call.on('status', (status: StatusObject) => { this.#status = status; this.#settle(); });
  }

  #settle(): void {
    const status = this.#status;
    if (status === undefined || this.#awaitsAnswer) return;
    this.#done({ code: status.code, details: status.details, messages: this.#messages, initial: this.#initial, trailing: status.metadata.get('x-echo-trailing-bin').map((value) => Buffer.from(value as Buffer).toString('hex')) });
  }
}

/** `call-grpc.ts ADDRESS AUTHORITY` prints the outcomes as JSON: for a caller in the network of a pod. */
const [, script = '', address, authority] = process.argv;
if (import.meta.filename === script && address !== undefined && authority !== undefined) console.log(JSON.stringify(await callGrpc(address, authority)));
