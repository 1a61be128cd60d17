import { Server, ServerCredentials, status, type ServiceDefinition, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import type { CollectorIntake } from './intake.ts';

const bytes = (message: Buffer): Buffer => message;
const export_ = (path: string): ServiceDefinition => ({ Export: { path, requestStream: false, responseStream: false, requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes } });
const services = { traces: 'trace.v1.TraceService', logs: 'logs.v1.LogsService', metrics: 'metrics.v1.MetricsService' } as const;

/** Serves OTLP over gRPC, in plain text. */
export async function serveGrpcCollector({ host, port }: { readonly host: string; readonly port: number }, intake: CollectorIntake): Promise<{ readonly port: number; stop(): void }> {
  const server = new Server({ 'grpc.max_receive_message_length': 4 * 1024 * 1024 });
  for (const [signal, service] of Object.entries(services)) {
    server.addService(export_(`/opentelemetry.proto.collector.${service}/Export`), {
      Export: (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) => {
        try {
          reply(null, intake.otlp(signal as keyof typeof services, call.request, true));
        } catch (error) {
          reply({ code: status.INVALID_ARGUMENT, details: `The message does not read: ${error instanceof Error ? error.message : String(error)}` });
        }
      },
    });
  }
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error, taken) => { if (error === null) resolve(taken); else reject(error); });
  });
  return { port: bound, stop: () => server.forceShutdown() };
}
