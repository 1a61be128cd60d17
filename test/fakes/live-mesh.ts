import { execFile } from 'node:child_process';
import type { Socket } from 'node:net';
import type { PodRegistration, SidecarSettings } from '../../src/contract/index.ts';
import { istioCompiler } from '../../src/controlplane/istio-compiler.ts';
import { createSystemClock } from '../../src/sidecar/config/system-clock.ts';
import type { Address } from '../../src/sidecar/link/index.ts';
import { startSidecar, type Sidecar } from '../../src/sidecar/main.ts';
import { hash, startFixture, type Fixture } from '../controlplane/fixture.ts';
import { until } from './wait.ts';

/** A pod of a live mesh: a gateway, or a sidecar whose application stands at `app`. */
export interface LivePodShape {
  readonly name: string;
  readonly namespace?: string;
  readonly type: 'router' | 'sidecar';
  readonly labels: Readonly<Record<string, string>>;
  readonly ip: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ports?: readonly number[];
  /** Where inbound connections were meant to go; sidecars only. */
  readonly app?: Address;
  /** Where an outbound connection was meant to go, told anew for each. */
  readonly target?: (socket: Socket) => Address;
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}

/** A control plane and proxies in this process, on loopback addresses. */
export interface LiveMesh {
  readonly lab: Fixture;
  /** Replaces all manifests; waits until every proxy has acknowledged them. Fails on errors in them. */
  apply(...texts: readonly string[]): Promise<void>;
  /** The port that is really bound for a port of a pod's proxy; waits until it is. */
  port(pod: string, port: number): Promise<number>;
  /** Waits until the config of every proxy is acknowledged, or rejected when `rejected`. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** Starts the mesh; its proxies are ready when this resolves. */
export async function startLiveMesh(shapes: readonly LivePodShape[], first: readonly string[] = []): Promise<LiveMesh> {
  const lab = await startFixture({ compiler: istioCompiler });
  const sidecars = new Map<string, Sidecar>();
  const settled = async (): Promise<void> => {
    await until('all proxies to have the config', async () => {
      const status = await lab.core.status();
      return status.proxies.length === shapes.length && status.proxies.every(({ acknowledged, sent, rejected }) => sent === status.version && (acknowledged === sent || rejected !== undefined));
    }, 10_000);
  };
  const apply = async (...texts: readonly string[]): Promise<void> => {
    const result = await lab.core.setFiles([{ path: 'all.yaml', text: texts.join('\n---\n') }]);
    const errors = result.diagnostics.filter(({ level }) => level === 'error');
    if (errors.length > 0) throw new Error(JSON.stringify(errors));
    await settled();
  };
  await lab.core.setNetwork({ virtualIpCidr: '127.79.0.0/17' });
  await lab.core.setPods(shapes.map(registration));
  await lab.core.setFiles([{ path: 'all.yaml', text: first.join('\n---\n') }]);
  for (const shape of shapes) sidecars.set(shape.name, await startSidecar(settingsOf(shape, lab), environmentOf(shape)));
  await until('the proxies to be ready', () => [...sidecars.values()].every(({ ready }) => ready), 10_000);
  await settled();
  return {
    lab, apply, settled,
    port: (pod, port) => until(`port ${port} of ${pod}`, () => sidecars.get(pod)?.port(port)),
    async close() {
      for (const sidecar of sidecars.values()) await sidecar.stop(100);
      await lab.close();
    },
  };
}

function registration({ name, namespace = 'default', type, labels, ip, annotations = {}, ports = [] }: LivePodShape): PodRegistration {
  return {
    name, namespace, ip, labels, annotations, serviceAccount: name, workload: name, ports: ports.map((port) => ({ port, protocol: 'TCP' })), sidecar: true, ready: false,
    kind: type === 'router' ? 'gateway' : 'workload', tokenHash: hash(`token-${name}`),
  };
}

function settingsOf({ name, namespace = 'default', type, labels, ip }: LivePodShape, lab: Fixture): SidecarSettings {
  return {
    node: `${type}~${ip}~${name}.${namespace}~${namespace}.svc.cluster.local`, proxy: `${namespace}/${name}`, type, ip, namespace, serviceAccount: name, workload: name, labels,
    trustDomain: 'cluster.local', domainSuffix: 'cluster.local', controlPlane: { host: '127.0.0.1', port: lab.control.port }, token: `token-${name}`, roots: lab.root.certificate, probes: [], recordsPerSecond: 1000,
  };
}

/** Inbound is captured at the application's port on the pod's address, as the rules in a container would have it. */
function environmentOf({ ip, app, target, resolve }: LivePodShape): Parameters<typeof startSidecar>[1] {
  return {
    clock: createSystemClock(), random: Math.random, resolve: resolve ?? (() => Promise.resolve([])), dns: { ip: '127.0.0.1', port: 9 }, probeSource: undefined, output: () => undefined,
    originalDestination: (socket) => (app !== undefined && socket.localPort === app.port && socket.localAddress === ip ? app : target?.(socket)),
    bind: ({ port }) => (port === 15006 && app !== undefined ? { host: ip, port: app.port } : { host: ip, port: 0 }),
  };
}

/** What a program printed, both streams, and how it ended. Standard input is closed at once unless `input` is given. */
export function run(command: string, args: readonly string[], input = ''): Promise<{ readonly output: string; readonly code: number }> {
  return new Promise((resolve) => {
    const child = execFile(command, [...args], { timeout: 10_000 }, (error, stdout, stderr) => {
      resolve({ output: `${stdout}${stderr}`, code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1 });
    });
    child.stdin?.end(input);
  });
}
