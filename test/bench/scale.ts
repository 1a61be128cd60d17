import { performance } from 'node:perf_hooks';
import { jsonResponse, readJsonRequest } from '../../src/controlplane/ads/json-wire.ts';
import { createSerializer, pushOrder } from '../../src/controlplane/ads/resources.ts';
import { createAdsSession, type AdsSession } from '../../src/controlplane/ads/session.ts';
import { incrementalCompiler } from '../../src/controlplane/istio-compiler.ts';
import { createMesh, proxyNode } from '../../src/controlplane/mesh.ts';
import { emptyState } from '../../src/controlplane/state/state.ts';
import type { PodRegistration } from '../../src/contract/index.ts';
import type { SourceFile } from '../../src/manifest/index.ts';
import { typeUrl } from '../../src/xds/index.ts';

/** How big the mesh is. */
interface Size { readonly services: number; readonly proxies: number; readonly rules: number }

/** Time on the clock and of the processor, milliseconds. */
interface Cost { readonly ms: number; readonly cpu_ms: number }

/** What a mesh of a size costs; `change` is one rule's, the median of five; responses and megabytes that went out for it; megabytes of heap in use once all is pushed. */
interface Scale { readonly read: Cost; readonly full: Cost; readonly change: Cost; readonly pod: Cost; readonly responses: number; readonly sent_mb: number; readonly heap_mb: number }

/** As many namespaces as in the full size, so that a half is half of everything. */
const servicesPerNamespace = 50;
const full: Size = { services: 1000, proxies: 2000, rules: 500 };
const half: Size = { services: 500, proxies: 1000, rules: 250 };
/** A mesh of that size with simulated proxies that acknowledge what they get. The proxies' own work is not simulated. */
async function measure(size: Size): Promise<Scale> {
  const compiler = incrementalCompiler();
  const mesh = createMesh(emptyState, compiler, 'cluster.local', () => undefined);
  mesh.setNetwork('10.128.0.0/16');
  const files = manifests(size);
  const read = await cost(() => apply(files));
  mesh.setPods(pods(size));
  const serialize = createSerializer();
  const wire = { responses: 0, bytes: 0 };
  const proxies = mesh.pods.map((pod) => ({ key: `${pod.namespace}/${pod.name}`, session: simulated((pieces) => {
    wire.responses++;
    wire.bytes += pieces.reduce((sum, piece) => sum + piece.length, 0);
  }) }));

  function apply(next: readonly SourceFile[]): void {
    const { diagnostics } = mesh.setFiles(next);
    const wrong = diagnostics.find(({ level }) => level === 'error');
    if (wrong !== undefined) throw new Error(`${wrong.file}:${wrong.line}: ${wrong.message}`);
  }
  async function push(): Promise<void> {
    const compile = compiler.prepare(mesh.snapshot());
    for (const { key, session } of proxies) {
      const pod = mesh.pod(key);
      if (pod !== undefined) session.update(serialize(compile(proxyNode(pod, 'cluster.local')), []), mesh.version);
    }
    while (proxies.some(({ session }) => session.status().acknowledged !== mesh.version)) await new Promise((resolve) => { setImmediate(resolve); });
  }

  const whole = await cost(push);
  const rules: Cost[] = [];
  for (let rule = 1; rule <= 5; rule++) {
    Object.assign(wire, { responses: 0, bytes: 0 });
    rules.push(await cost(async () => {
      apply(files.map((file) => (file.path === `rule-${rule}.yaml` ? { ...file, text: file.text.replace('weight: 90', 'weight: 80').replace('weight: 10', 'weight: 20') } : file)));
      await push();
    }));
    if (wire.responses < size.proxies) throw new Error(`The changed rule reached ${wire.responses} of ${size.proxies} proxies.`);
  }
  const { responses, bytes } = wire;
  const change = rules.sort((one, other) => one.ms - other.ms)[2] ?? whole;
  const pod = await cost(async () => {
    mesh.setPods(pods(size).map((one, at) => ({ ...one, ready: at !== 3 })));
    await push();
  });
  globalThis.gc?.();
  return { read, full: whole, change, pod, responses, sent_mb: Math.round(bytes / 1e6), heap_mb: Math.round(process.memoryUsage().heapUsed / 1e6) };
}

function simulated(sent: (response: readonly Uint8Array[]) => void): AdsSession {
  const session = createAdsSession({
    delta: false, pushed: () => undefined, rejected: () => undefined, changed: () => undefined,
    send: (push) => {
      sent(jsonResponse(push));
      setImmediate(() => answer(typeUrl[push.type], push.set.version, push.nonce));
    },
  });
  const answer = (url: string, versionInfo: string, responseNonce: string): void => {
    const request = readJsonRequest({ typeUrl: url, versionInfo, responseNonce });
    if (request !== undefined) session.request(request);
  };
  for (const type of pushOrder) answer(typeUrl[type], '', '');
  return session;
}

function namespaceOf(service: number): string {
  return `team-${Math.floor(service / servicesPerNamespace)}`;
}

function hostOf(service: number): string {
  return `service-${service}.${namespaceOf(service)}.svc.cluster.local`;
}

/** A file per service, with a TCP port beside HTTP for each fifth, and per VirtualService; every other one has subsets. */
function manifests({ services, rules }: Size): readonly SourceFile[] {
  const place = (service: number): string => `{ name: service-${service}, namespace: ${namespaceOf(service)} }`;
  const tcp = (service: number): string => (service % 5 === 0 ? ', { name: tcp-db, port: 5432 }' : '');
  const subsets = (service: number): string => (service % 2 === 0 ? `---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: ${place(service)}\nspec:\n  host: ${hostOf(service)}\n  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]\n` : '');
  return [
    ...Array.from({ length: services }, (_, at) => ({ path: `service-${at}.yaml`, text: `apiVersion: v1\nkind: Service\nmetadata: ${place(at)}\nspec: { selector: { app: service-${at} }, ports: [{ name: http, port: ${8080 + (at % 10)} }${tcp(at)}] }\n` })),
    ...Array.from({ length: rules }, (_, at) => ({ path: `rule-${at}.yaml`, text: `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: ${place(at)}\nspec:\n  hosts: [${hostOf(at)}]\n  http:\n  - match: [{ headers: { end-user: { exact: tester } } }]\n    route: [{ destination: { host: ${hostOf(at)} } }]\n  - route:\n    - { destination: { host: ${hostOf(at)} }, weight: 90 }\n    - { destination: { host: ${hostOf((at + 10) % services)} }, weight: 10 }\n${subsets(at)}` })),
  ];
}

function pods({ services, proxies }: Size): readonly PodRegistration[] {
  return Array.from({ length: proxies }, (_, at): PodRegistration => {
    const service = at % services;
    return {
      name: `pod-${at}`, namespace: namespaceOf(service), ip: `10.0.${Math.floor(at / 250)}.${(at % 250) + 1}`, labels: { app: `service-${service}`, version: `v${Math.floor(at / services) + 1}` }, annotations: {},
      serviceAccount: `service-${service}`, workload: `service-${service}`, ports: [{ port: 8080 + (service % 10), protocol: 'TCP' }], sidecar: false, ready: true, kind: 'workload', tokenHash: '00',
    };
  });
}

async function cost(run: () => void | Promise<void>): Promise<Cost> {
  const [clock, processor] = [performance.now(), process.cpuUsage()];
  await run();
  const { user, system } = process.cpuUsage(processor);
  return { ms: Math.round(performance.now() - clock), cpu_ms: Math.round((user + system) / 1000) };
}

console.log(JSON.stringify({ scale: { half: await measure(half), full: await measure(full) } }));
