import * as grpc from '@grpc/grpc-js';
import { incrementalCompiler } from '../../src/controlplane/istio-compiler.ts';
import type { Compiler } from '../../src/controlplane/compiler.ts';
import type { PodRegistration } from '../../src/contract/index.ts';
import { pod } from './fixture.ts';

const bytes = (message: Buffer): Buffer => message;

/** Servers that say who they are, each on a loopback address of its own and all on one port. */
export interface Echoes {
  readonly port: number;
  stop(address: string): void;
  close(): void;
}

export async function startEchoes(addresses: readonly string[]): Promise<Echoes> {
  const servers = new Map<string, grpc.Server>();
  let port = 0;
  for (const address of addresses) {
    const server = new grpc.Server();
    server.addService({ Say: { path: '/echo/Say', requestStream: false, responseStream: false, requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes } }, {
      Say: (_call: unknown, reply: grpc.sendUnaryData<Buffer>) => reply(null, Buffer.from(address)),
    });
    port = await new Promise<number>((resolve, reject) => { server.bindAsync(`${address}:${port}`, grpc.ServerCredentials.createInsecure(), (error, bound) => { if (error === null) resolve(bound); else reject(error); }); });
    servers.set(address, server);
  }
  return {
    port,
    stop: (address) => { servers.get(address)?.forceShutdown(); },
    close: () => { for (const server of servers.values()) server.forceShutdown(); },
  };
}

/** One call; the address of who answered. */
export function say(client: grpc.Client, metadata = new grpc.Metadata(), deadline = 10_000): Promise<string> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest('/echo/Say', bytes, (message: Buffer) => message.toString(), Buffer.from('hello'), metadata, { deadline: Date.now() + deadline }, (error, answer) => {
      if (error === null) resolve(answer ?? '');
      else reject(error);
    });
  });
}

/** How often each server answered. */
export async function spread(client: grpc.Client, calls: number): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (let at = 0; at < calls; at++) {
    const who = await say(client);
    counts[who] = (counts[who] ?? 0) + 1;
  }
  return counts;
}

/** A pod without a sidecar that is there from the start. */
export function echoPod(name: string, version: string, ip: string, more: Partial<PodRegistration> = {}): PodRegistration {
  return pod(name, { ip, sidecar: false, ready: true, tokenHash: '', labels: { app: 'echo', version }, ...more });
}

/** The service `echo` with subsets v1 and v2, and its rule. */
export function echoFiles(targetPort: number, weights: readonly [number, number] | undefined, more: readonly string[] = []): { path: string; text: string }[] {
  const [v1, v2] = weights ?? [1, 1];
  const route = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: echo }
spec:
  hosts: [echo]
  http:
  - route:
    - { destination: { host: echo, subset: v1 }, weight: ${v1} }
    - { destination: { host: echo, subset: v2 }, weight: ${v2} }`;
  return [{ path: 'echo.yaml', text: [`
apiVersion: v1
kind: Service
metadata: { name: echo }
spec:
  selector: { app: echo }
  ports: [{ name: grpc, port: 7070, targetPort: ${targetPort} }]`, `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: echo }
spec:
  host: echo
  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]`, ...(weights === undefined ? [] : [route]), ...more].join('\n---\n') }];
}

/** The real compiler, which can be told to make clusters that a gRPC client must reject. */
export function breakable(): Compiler & { broken: boolean } {
  const real = incrementalCompiler();
  const compiler: Compiler & { broken: boolean } = {
    ...real, broken: false,
    prepare: (snapshot) => {
      const compile = real.prepare(snapshot);
      return (node) => {
        const config = compile(node);
        return compiler.broken ? { ...config, clusters: config.clusters.map((cluster) => ({ ...cluster, lbPolicy: 'MAGLEV' as const })), endpoints: [] } : config;
      };
    },
  };
  return compiler;
}
