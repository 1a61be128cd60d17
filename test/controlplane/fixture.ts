import 'reflect-metadata';
import { createHash, randomUUID, webcrypto } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import * as x509 from '@peculiar/x509';
import { defaultMeshConfig } from '../../src/compile/index.ts';
import type { FromControlPlane, FromProxy, PodRegistration } from '../../src/contract/index.ts';
import type { Compiler } from '../../src/controlplane/compiler.ts';
import { start, type ControlPlaneOptions, type RunningControlPlane } from '../../src/controlplane/main.ts';
import { connectControl, type ControlClient } from '../../src/core/control/connect.ts';
import { createRoot, type Root } from '../../src/core/control/root.ts';
import { lineSplitter } from '../../src/rpc/lines.ts';
import { patchedTable, typeUrl, type DiscoveryResponse, type ResourceType, type RouteConfiguration } from '../../src/xds/index.ts';

/**
 * A compiler whose whole input is visible: every `kind: Service` document `{kind, name, …}` (one JSON object a line) is a cluster, and pods of that
 * name that are ready are its endpoints. A line that is not JSON is an error; `{"kind":"Break"}` makes compile throw.
 */
export const plainCompiler: Compiler = {
  read: (files) => {
    const parsed = files.flatMap((file) => file.text.split('\n').filter((line) => line !== '').map((text, index) => ({ file: file.path, text, line: index + 1 })));
    const resources = [];
    const diagnostics = [];
    for (const { file, text, line } of parsed) {
      try {
        const body = JSON.parse(text) as { kind: string; name: string; namespace?: string };
        const metadata = { name: body.name, namespace: body.namespace ?? 'default', labels: {}, annotations: {} };
        resources.push({ apiVersion: 'v1', kind: body.kind, metadata, spec: body, body: { ...body }, origin: { file, line, kind: body.kind, name: body.name }, locate: () => ({ line, column: 1 }) });
      } catch {
        diagnostics.push({ code: 'WEFT0001', level: 'error' as const, message: 'Not JSON.', file, line, column: 1 });
      }
    }
    return { resources, diagnostics };
  },
  mesh: (_resources, trustDomain) => ({ ...defaultMeshConfig, trustDomain }),
  prepare: (snapshot) => (node) => {
    if (snapshot.resources.some(({ kind }) => kind === 'Break')) throw new Error('compile is broken');
    const services = snapshot.resources.filter(({ kind }) => kind === 'Service').map(({ metadata }) => metadata.name);
    const gateways = snapshot.resources.filter(({ kind }) => kind === 'Gateway' && node.type === 'router').map(({ metadata }) => metadata.name);
    return {
      clusters: services.map((name) => ({ name })),
      endpoints: services.map((name) => ({ clusterName: name, endpoints: snapshot.pods.filter((pod) => pod.ready && pod.labels['app'] === name).map((pod) => ({ lbEndpoints: [{ endpoint: { address: { socketAddress: { address: pod.ip } } } }] })) })),
      listeners: [{ name: 'virtualOutbound' }, ...gateways.map((name) => ({ name: `gateway-${name}`, statPrefix: JSON.stringify({}), filterChains: [{ transportSocket: { typedConfig: { '@type': typeUrl.downstreamTls, commonTlsContext: { tlsCertificateSdsSecretConfigs: [{ name: `kubernetes://${name}` }] } } as never } }] }))],
      routes: services.map((name) => ({ name })),
      names: { table: Object.fromEntries(services.map((name) => [name, { ips: [snapshot.virtualIps.get(`default/${name}`) ?? ''] }])) },
    };
  },
};

export const coreToken = 'core-token-of-the-test';
export const hash = (token: string): string => createHash('sha256').update(token).digest('hex');

/** A registration; its proxy's token is `token-NAME`. */
export function pod(name: string, more: Partial<PodRegistration> = {}): PodRegistration {
  return {
    name, namespace: 'default', ip: '10.0.0.5', labels: { app: name }, annotations: {}, serviceAccount: `sa-${name}`, workload: name, ports: [{ port: 80, protocol: 'TCP' }],
    sidecar: true, ready: false, kind: 'workload', tokenHash: hash(`token-${name}`), ...more,
  };
}

/** A control plane on free ports, with core connected to it. */
export interface Fixture {
  readonly root: Root;
  readonly stateDir: string;
  readonly core: ControlClient;
  readonly control: RunningControlPlane;
  readonly log: string[];
  proxy(name: string, more?: ProxyOptions): Promise<ProxyClient>;
  dial(options?: ConnectionOptions): Promise<TLSSocket>;
  /** Stops the control plane and starts it again on the same port and state. */
  restart(between?: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

export async function startFixture(options: ControlPlaneOptions = {}): Promise<Fixture> {
  const root = await createRoot('cluster.local');
  const stateDir = await mkdtemp(join(tmpdir(), 'control-plane-test-'));
  const log: string[] = [];
  const settings = { lab: 'test', coreTokenHash: hash(coreToken), trustDomain: 'cluster.local', ca: root, stateDir };
  const begin = (port: number, discoveryPort: number): Promise<RunningControlPlane> => start(settings, { host: '127.0.0.1', compiler: plainCompiler, log: (line) => log.push(line), metricsPort: 0, ...options, discoveryPort, port });
  let control = await begin(0, 0);
  const core = await connectControl({ host: '127.0.0.1', port: control.port, token: coreToken, root: root.certificate });
  const proxies: ProxyClient[] = [];
  const dial = (more: ConnectionOptions = {}): Promise<TLSSocket> => new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: control.port, servername: 'istiod.istio-system.svc', ca: root.certificate, minVersion: 'TLSv1.3', ...more }, () => resolve(socket));
    socket.once('error', reject);
  });
  return {
    root, stateDir, core, log, dial,
    get control() { return control; },
    proxy: async (name, more = {}) => {
      const client = proxyClient(await dial(), name, more);
      proxies.push(client);
      return client;
    },
    restart: async (between) => {
      const { port, discoveryPort } = control;
      await control.stop();
      await between?.();
      control = await begin(port, discoveryPort);
    },
    close: async () => {
      core.close();
      for (const proxy of proxies) proxy.socket.destroy();
      await control.stop();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

export interface ProxyOptions {
  readonly token?: string;
  readonly node?: string;
  readonly versions?: Partial<Record<ResourceType, string>>;
  /** Types whose responses are rejected, with this reason; empty to answer nothing at all. */
  readonly reject?: Partial<Record<ResourceType, string>>;
  readonly silent?: boolean;
  readonly subscribe?: boolean;
  readonly type?: 'sidecar' | 'router';
  /** `namespace/pod`; `default/NAME` unless said. */
  readonly proxy?: string;
}

/** A proxy as the control plane sees it: subscribes to everything and acknowledges what comes. */
export interface ProxyClient {
  readonly socket: TLSSocket;
  /** Everything that came, in order. */
  readonly received: FromControlPlane[];
  /** Short type of each response, in order. */
  readonly pushes: { readonly type: ResourceType; /** Of the whole set that it leads to. */ readonly names: readonly string[]; /** What was in it. */ readonly sent: readonly string[]; readonly version: string }[];
  readonly versions: Partial<Record<ResourceType, string>>;
  names(type: ResourceType): readonly string[] | undefined;
  resources(type: ResourceType): readonly unknown[];
  say(message: FromProxy): void;
  closed(): boolean;
  options: ProxyOptions;
}

const types: readonly ResourceType[] = ['listener', 'route', 'cluster', 'endpoint', 'secret', 'names'];

function proxyClient(socket: TLSSocket, name: string, given: ProxyOptions): ProxyClient {
  let closed = false;
  const latest = new Map<ResourceType, readonly unknown[]>();
  const client: ProxyClient = {
    socket, received: [], pushes: [], versions: { ...given.versions }, options: given,
    names: (type) => { const found = latest.get(type); return found === undefined ? undefined : namesOf(found); },
    resources: (type) => latest.get(type) ?? [],
    say: (message) => { socket.write(`${JSON.stringify(message)}\n`); },
    closed: () => closed,
  };
  const split = lineSplitter(() => 1 << 24, (line) => {
    const message = JSON.parse(line) as FromControlPlane;
    client.received.push(message);
    if ('response' in message) take(message.response);
  });
  function take(response: DiscoveryResponse): void {
    const type = types.find((candidate) => typeUrl[candidate] === response.typeUrl);
    if (type === undefined) throw new Error(`unknown type ${response.typeUrl}`);
    const set = wholeSet(response, client.versions[type], latest.get(type));
    client.pushes.push({ type, names: namesOf(set), sent: namesOf(response.resources), version: response.versionInfo });
    if (client.options.silent === true) return;
    const reason = client.options.reject?.[type];
    if (reason === undefined) {
      latest.set(type, set);
      client.versions[type] = response.versionInfo;
    }
    client.say({ request: { typeUrl: response.typeUrl, versionInfo: client.versions[type] ?? '', responseNonce: response.nonce, ...(reason === undefined ? {} : { errorDetail: { code: 13, message: reason } }) } });
  }
  socket.on('data', (chunk: Buffer) => split(chunk));
  socket.on('close', () => { closed = true; });
  socket.on('error', () => socket.destroy());
  client.say({ hello: { node: given.node ?? `${given.type ?? 'sidecar'}~10.0.0.5~${name}.default~default.svc.cluster.local`, proxy: given.proxy ?? `default/${name}`, token: given.token ?? `token-${name}` } });
  if (given.subscribe !== false) for (const type of types) client.say({ request: { typeUrl: typeUrl[type], versionInfo: given.versions?.[type] ?? '', responseNonce: '' } });
  return client;
}

function wholeSet({ resources, since, removed = [], patches = [] }: DiscoveryResponse, version: string | undefined, before: readonly unknown[] | undefined): readonly unknown[] {
  if (since === undefined) return resources;
  if (since !== version || before === undefined) throw new Error(`changes since ${since} for a proxy that runs on ${version ?? 'nothing'}`);
  const byName = new Map(before.map((resource) => [nameOf(resource), resource]));
  for (const name of removed) if (!byName.delete(name)) throw new Error(`${name} is removed and was not there`);
  for (const resource of resources) byName.set(nameOf(resource), resource);
  for (const patch of patches) byName.set(patch.name, patchedTable(byName.get(patch.name) as RouteConfiguration, patch));
  return [...byName.values()];
}

function nameOf(resource: unknown): string {
  const { name, clusterName } = resource as { readonly name?: string; readonly clusterName?: string };
  return name ?? clusterName ?? 'names';
}

function namesOf(resources: readonly unknown[]): readonly string[] {
  return resources.map(nameOf);
}

/** Waits until something holds; fails with what it is after ten seconds. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`timed out waiting until ${what}`);
    await new Promise((done) => setTimeout(done, 5));
  }
}

/** A PKCS#10 request with its own key, asking for names that it must not get. */
export async function csr(sans: readonly string[] = []): Promise<{ readonly pem: string; readonly keys: CryptoKeyPair }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as unknown as CryptoKeyPair;
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: `CN=${randomUUID()}`, keys, signingAlgorithm: algorithm,
    extensions: sans.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(sans.map((value) => ({ type: 'url' as const, value })))],
  });
  return { pem: request.toString('pem'), keys };
}
