import { connect as connectHttp2 } from 'node:http2';
import type { Socket } from 'node:net';

/** The answer's status when the service is well. Source: grpc/grpc `health/v1/health.proto`, `HealthCheckResponse.ServingStatus`. */
const statuses = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;
const serving = 1;
const longestAnswer = 4096;

/** Asks gRPC's health protocol on an open connection, without TLS as the kubelet does. Says what was wrong, or `undefined`. */
export function askHealth(socket: Socket, authority: string, service: string, finish: (problem: string | undefined) => void): void {
  const session = connectHttp2(`http://${authority}`, { createConnection: () => socket });
  session.on('error', (error) => { finish(error.message); });
  const stream = session.request({ ':method': 'POST', ':path': '/grpc.health.v1.Health/Check', 'content-type': 'application/grpc', te: 'trailers', 'user-agent': 'kube-probe/1.34' });
  const chunks: Buffer[] = [];
  let status: string | undefined;
  let size = 0;
  const read = (headers: Readonly<Record<string, unknown>>): void => {
    if (typeof headers['grpc-status'] === 'string') status = headers['grpc-status'];
    if (headers[':status'] !== undefined && headers[':status'] !== 200) finish(`status ${String(headers[':status'])}`);
  };
  stream.on('response', read);
  stream.on('trailers', read);
  stream.on('error', (error) => { finish(error.message); });
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > longestAnswer) finish('the answer is too long');
    else chunks.push(chunk);
  });
  stream.on('end', () => { finish(status === '0' ? wrong(Buffer.concat(chunks)) : status === undefined ? 'the answer is no gRPC' : `gRPC status ${status}`); });
  stream.end(request(service));
}

/** The message with its gRPC prefix: field 1, the service's name. */
function request(service: string): Buffer {
  const name = Buffer.from(service.slice(0, 120));
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Field 1 of the answer is the status; without it, it is 0. */
function wrong(answer: Buffer): string | undefined {
  const value = answer.length >= 7 && answer[5] === 0x08 ? answer[6] : 0;
  return value === serving ? undefined : `the service is ${statuses[value ?? 0] ?? String(value)}`;
}
