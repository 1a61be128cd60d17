import { serveGrpcCollector } from './grpc.ts';
import { serveCollector } from './http.ts';
import type { CollectorIntake } from './intake.ts';

/** The ports of a collector: OTLP over gRPC and HTTP, and Zipkin. */
export interface CollectorPorts {
  readonly grpc: number;
  readonly http: number;
  readonly zipkin: number;
}

/** Serves all ways into the lab's collector; none is published outside of the lab. Rejects when a port is taken. */
export async function serveCollectors(host: string, wanted: CollectorPorts, intake: CollectorIntake): Promise<{ readonly ports: CollectorPorts; stop(): Promise<void> }> {
  const http = await serveCollector({ host, port: wanted.http }, intake);
  const zipkin = await serveCollector({ host, port: wanted.zipkin }, intake);
  const grpc = await serveGrpcCollector({ host, port: wanted.grpc }, intake);
  return {
    ports: { grpc: grpc.port, http: http.port, zipkin: zipkin.port },
    stop: async () => {
      grpc.stop();
      await Promise.all([http.stop(), zipkin.stop()]);
    },
  };
}
