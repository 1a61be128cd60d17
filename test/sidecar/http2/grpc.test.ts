import { Client, credentials, Metadata, Server, ServerCredentials, status, type ServerUnaryCall, type ServiceError, type sendUnaryData } from '@grpc/grpc-js';
import { afterEach, expect, it } from 'vitest';
import type { Cluster, Route } from '../../../src/xds/index.ts';
import { startProxy, type TestProxy } from '../http/proxy.ts';
import { until } from '../../fakes/wait.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => { for (const close of closing.splice(0)) await close(); });

const path = (method: string): string => `/test.Echo/${method}`;
const same = (bytes: Buffer): Buffer => bytes;
const kind = (method: string, requestStream: boolean, responseStream: boolean) =>
  ({ path: path(method), requestStream, responseStream, requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same });
const service = { Unary: kind('Unary', false, false), Upload: kind('Upload', true, false), Download: kind('Download', false, true), Talk: kind('Talk', true, true) };

interface Echo {
  readonly port: number;
  cancelled: number;
  calls: number;
}

/** A gRPC server that echoes, fails or hangs as it is told. */
async function startServer(): Promise<Echo> {
  const server = new Server();
  const echo: Echo = { port: 0, cancelled: 0, calls: 0 };
  const unary = (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>): void => {
    echo.calls++;
    call.on('cancelled', () => { echo.cancelled++; });
    const text = call.request.toString();
    if (text === 'hang') return;
    if (text.startsWith('fail:')) {
      const [, code, times, message = ''] = text.split(':');
      if (echo.calls <= Number(times)) { done({ code: Number(code), details: message }); return; }
    }
    const initial = new Metadata();
    for (const value of call.metadata.get('x-in')) initial.add('x-out', value);
    call.sendMetadata(initial);
    const trailing = new Metadata();
    trailing.add('x-trailing-bin', Buffer.from([0, 1, 255]));
    done(null, call.request, trailing);
  };
  server.addService(service, {
    Unary: unary,
    Upload: (call: { on(event: string, run: (chunk: Buffer) => void): void }, done: sendUnaryData<Buffer>) => {
      let size = 0;
      call.on('data', (chunk) => { size += chunk.length; });
      call.on('end', () => { done(null, Buffer.from(String(size))); });
    },
    Download: (call: { request: Buffer; write(chunk: Buffer): boolean; end(): void; on(event: string, run: () => void): void }) => {
      call.on('cancelled', () => { echo.cancelled++; });
      const [count = '0', size = '0'] = call.request.toString().split('x');
      for (let index = 0; index < Number(count); index++) call.write(Buffer.alloc(Number(size), index));
      if (Number(count) < 1000) call.end();
    },
    Talk: (call: { on(event: string, run: (chunk: Buffer) => void): void; write(chunk: Buffer): boolean; end(): void }) => {
      call.on('data', (chunk) => { call.write(chunk); });
      call.on('end', () => { call.end(); });
    },
  });
  const port = await new Promise<number>((resolve, reject) => { server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => { if (error === null) resolve(bound); else reject(error); }); });
  closing.push(() => { server.forceShutdown(); });
  return Object.assign(echo, { port });
}

const options = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

function grpcCluster(port: number, more: Cluster = {}): Cluster {
  return {
    ...more, name: 'up', type: 'STATIC', connectTimeout: '1s', loadAssignment: { clusterName: 'up', endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue: port } } } }] }] },
    typedExtensionProtocolOptions: { [options]: { '@type': `type.googleapis.com/${options}`, explicitHttpConfig: { http2ProtocolOptions: {} } } as { '@type': string } },
  };
}

async function lab(routes?: readonly Route[]): Promise<{ echo: Echo; proxy: TestProxy; client: Client }> {
  const echo = await startServer();
  const proxy = await startProxy({ clusters: { up: grpcCluster(echo.port) }, ...(routes === undefined ? {} : { routes }) });
  const client = new Client(`127.0.0.1:${proxy.port}`, credentials.createInsecure());
  closing.unshift(() => { client.close(); }, () => proxy.close());
  return { echo, proxy, client };
}

interface Outcome {
  readonly error: ServiceError | undefined;
  readonly body: string;
  readonly initial: Metadata | undefined;
  readonly trailing: Metadata | undefined;
}

function unary(client: Client, text: string | Buffer, metadata = new Metadata(), deadline?: number): Promise<Outcome> {
  return new Promise((resolve) => {
    let initial: Metadata | undefined;
    let trailing: Metadata | undefined;
    let outcome: Pick<Outcome, 'error' | 'body'> | undefined;
    const settle = (): void => { if (outcome !== undefined && (trailing !== undefined)) resolve({ ...outcome, initial, trailing }); };
    const call = client.makeUnaryRequest(path('Unary'), same, same, Buffer.from(text), metadata, deadline === undefined ? {} : { deadline: Date.now() + deadline }, (error, answer) => {
      outcome = { error: error ?? undefined, body: answer?.toString() ?? '' };
      settle();
    });
    call.on('metadata', (got) => { initial = got; });
    call.on('status', ({ metadata: got }) => { trailing = got; settle(); });
  });
}

it('carries a unary call with metadata both ways, and records it', async () => {
  const { client, proxy } = await lab();
  const metadata = new Metadata();
  metadata.add('x-in', 'one');
  const { error, body, initial, trailing } = await unary(client, 'hello', metadata);
  expect([error, body, initial?.get('x-out'), trailing?.get('x-trailing-bin')]).toEqual([undefined, 'hello', ['one'], [Buffer.from([0, 1, 255])]]);
  expect(await proxy.record()).toMatchObject({ protocol: 'grpc', status: 200, grpcStatus: 0, path: path('Unary'), flags: [] });
});

it('carries large messages, empty ones, and every kind of stream', async () => {
  const { client } = await lab();
  expect((await unary(client, '')).body).toBe('');
  expect((await unary(client, Buffer.alloc(1_000_000, 'x'))).body.length).toBe(1_000_000);
  const uploaded = await new Promise<string>((resolve, reject) => {
    const call = client.makeClientStreamRequest(path('Upload'), same, same, (error, answer: Buffer | undefined) => { if (error === null) resolve(answer?.toString() ?? ''); else reject(error); });
    for (let index = 0; index < 50; index++) call.write(Buffer.alloc(10_000));
    call.end();
  });
  expect(uploaded).toBe('500000');
  const downloaded = await new Promise<number>((resolve, reject) => {
    let size = 0;
    client.makeServerStreamRequest(path('Download'), same, same, Buffer.from('40x20000')).on('data', (chunk: Buffer) => { size += chunk.length; }).on('end', () => { resolve(size); }).on('error', reject);
  });
  expect(downloaded).toBe(800_000);
  const talk = client.makeBidiStreamRequest(path('Talk'), same, same);
  const heard: string[] = [];
  await new Promise<void>((resolve, reject) => {
    talk.on('data', (chunk: Buffer) => {
      heard.push(chunk.toString());
      if (heard.length < 4) talk.write(Buffer.from(String(heard.length)));
      else talk.end();
    });
    talk.on('end', resolve).on('error', reject);
    talk.write(Buffer.from('0'));
  });
  expect(heard).toEqual(['0', '1', '2', '3']);
});

it('passes statuses with messages that are no ASCII, in trailers only', async () => {
  const { client, proxy } = await lab();
  const message = '\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n';
  const { error } = await unary(client, `fail:2:9:${message}`);
  expect([error?.code, error?.details]).toEqual([status.UNKNOWN, message]);
  expect(await proxy.record()).toMatchObject({ status: 200, grpcStatus: 2 });
  const missing = await new Promise<ServiceError | null>((resolve) => { client.makeUnaryRequest('/test.Echo/Missing', same, same, Buffer.from(''), (failure) => { resolve(failure); }); });
  expect(missing?.code).toBe(status.UNIMPLEMENTED);
});

it('tells the server when the client cancels or its deadline passes', async () => {
  const { client, echo, proxy } = await lab();
  const { error } = await unary(client, 'hang', new Metadata(), 300);
  expect(error?.code).toBe(status.DEADLINE_EXCEEDED);
  await until('the server to be told', () => echo.cancelled === 1);
  const call = client.makeServerStreamRequest(path('Download'), same, same, Buffer.from('1000x10'));
  call.on('error', () => undefined);
  call.once('data', () => { call.cancel(); });
  await until('the server to be told again', () => echo.cancelled === 2);
  await until('both records', () => proxy.records.length === 2);
  for (const record of proxy.records) expect(record.flags).toContain('DC');
  expect(proxy.clusters.get('up')?.use).toMatchObject({ requests: 0, connections: 1 });
});

it('answers for itself in gRPC’s terms', async () => {
  const { client, proxy } = await lab([
    { match: { prefix: '/', headers: [{ name: 'x-case', stringMatch: { exact: 'nowhere' } }] }, route: { cluster: 'missing', timeout: '0s' } },
    { match: { prefix: '/', headers: [{ name: 'x-case', stringMatch: { exact: 'slow' } }] }, route: { cluster: 'up', timeout: '0.2s', maxGrpcTimeout: '0.2s' } },
    { match: { prefix: '/', headers: [{ name: 'x-case', stringMatch: { exact: 'own deadline' } }] }, route: { cluster: 'up', timeout: '0s', maxStreamDuration: { maxStreamDuration: '0s', grpcTimeoutHeaderMax: '0.2s' } } },
    { match: { prefix: '/', headers: [{ name: 'x-case', stringMatch: { exact: 'denied' } }] }, directResponse: { status: 403, body: { inlineString: 'RBAC: accès refusé' } } },
    { match: { prefix: '/', headers: [{ name: 'x-case', stringMatch: { exact: 'fault' } }] }, route: { cluster: 'up', timeout: '0s' }, typedPerFilterConfig: { 'envoy.filters.http.fault': { '@type': 'x', abort: { grpcStatus: 10, percentage: { numerator: 100 } } } as { '@type': string } } },
  ]);
  const outcome = async (name: string, text = 'hello', deadline?: number): Promise<readonly [number | undefined, string | undefined]> => {
    const metadata = new Metadata();
    metadata.add('x-case', name);
    const { error } = await unary(client, text, metadata, deadline);
    return [error?.code, error?.details];
  };
  expect(await outcome('nobody')).toEqual([status.UNIMPLEMENTED, '']);
  expect((await outcome('nowhere'))[0]).toBe(status.UNAVAILABLE);
  expect(await outcome('slow', 'hang')).toEqual([status.UNAVAILABLE, 'upstream request timeout']);
  expect((await outcome('own deadline', 'hang', 5000))[0]).toBe(status.DEADLINE_EXCEEDED);
  expect(await outcome('denied')).toEqual([status.PERMISSION_DENIED, 'RBAC: accès refusé']);
  expect(await outcome('fault')).toEqual([status.ABORTED, 'fault filter abort']);
  expect(proxy.records.map(({ status: code, grpcStatus }) => [code, grpcStatus])).toEqual([[200, 12], [200, 14], [200, 14], [200, 4], [200, 7], [200, 10]]);
});

it('retries on the statuses that the policy names, and on no other', async () => {
  const { client, echo } = await lab([{ match: { prefix: '/' }, route: { cluster: 'up', timeout: '0s', retryPolicy: { retryOn: 'unavailable,resource-exhausted', numRetries: 3 } } }]);
  expect((await unary(client, 'fail:14:2:later')).error).toBeUndefined();
  expect(echo.calls).toBe(3);
  echo.calls = 0;
  expect((await unary(client, 'fail:13:2:broken')).error?.code).toBe(status.INTERNAL);
  expect(echo.calls).toBe(1);
});

it('puts out a host whose gRPC statuses are failures, as HTTP’s would', async () => {
  const echo = await startServer();
  const proxy = await startProxy({ clusters: { up: grpcCluster(echo.port, { outlierDetection: { consecutive5xx: 2, consecutiveGatewayFailure: 2, enforcingConsecutiveGatewayFailure: 0, maxEjectionPercent: 100 }, commonLbConfig: { healthyPanicThreshold: {} } }) } });
  const client = new Client(`127.0.0.1:${proxy.port}`, credentials.createInsecure(), { 'grpc.enable_retries': 0 });
  closing.unshift(() => { client.close(); }, () => proxy.close());
  const call = (text: string): Promise<number> => new Promise((resolve) => { client.makeUnaryRequest(path('Unary'), same, same, Buffer.from(text), (error) => { resolve(error?.code ?? status.OK); }); });
  const monitor = (): unknown => proxy.clusters.get('up')?.hosts[0]?.monitor?.ejection?.reason;
  // A caller's mistakes, and missing rights, say nothing of the host.
  for (const code of [status.INVALID_ARGUMENT, status.NOT_FOUND, status.PERMISSION_DENIED, status.RESOURCE_EXHAUSTED]) expect(await call(`fail:${code}:100:x`)).toBe(code);
  expect(monitor()).toBeUndefined();
  for (let times = 0; times < 2; times++) expect(await call(`fail:${status.UNAVAILABLE}:100:x`)).toBe(status.UNAVAILABLE);
  expect(monitor()).toBe('consecutive-5xx-errors');
  expect(await call('fine')).toBe(status.UNAVAILABLE);
  expect(echo.calls).toBe(6);
});
