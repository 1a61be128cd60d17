import { performance } from 'node:perf_hooks';
import { jsonResponse, readJsonRequest } from '../../src/controlplane/ads/json-wire.ts';
import { createSerializer, pushOrder } from '../../src/controlplane/ads/resources.ts';
import { createAdsSession, type AdsSession } from '../../src/controlplane/ads/session.ts';
import { incrementalCompiler } from '../../src/controlplane/istio-compiler.ts';
import { createMesh, proxyNode } from '../../src/controlplane/mesh.ts';
import { emptyState } from '../../src/controlplane/state/state.ts';
import type { SourceFile } from '../../src/manifest/index.ts';
import { typeUrl } from '../../src/xds/index.ts';
import { manifestsOf, podsOf, withRuleChanged, type MeshSize } from './mesh-of-size.ts';
import { measureWire } from './scale-wire.ts';

/** Time on the clock and of the processor, milliseconds. */
interface Cost { readonly ms: number; readonly cpu_ms: number }

/** What a mesh of a size costs; `change` is one rule's, the median of five; responses and megabytes that went out for it; megabytes of heap in use once all is pushed. */
interface Scale { readonly read: Cost; readonly full: Cost; readonly change: Cost; readonly pod: Cost; readonly responses: number; readonly sent_mb: number; readonly heap_mb: number }

/** A half has half as many namespaces, so that it is half of everything. */
const full: MeshSize = { services: 1000, proxies: 2000, rules: 500, servicesPerNamespace: 50 };
const half: MeshSize = { ...full, services: 500, proxies: 1000, rules: 250 };
/** A mesh of that size with simulated proxies that acknowledge what they get. The proxies' own work is not simulated. */
async function measure(size: MeshSize): Promise<Scale> {
  const compiler = incrementalCompiler();
  const mesh = createMesh(emptyState, compiler, 'cluster.local', () => undefined);
  mesh.setNetwork('10.128.0.0/16');
  const files = manifestsOf(size);
  const read = await cost(() => apply(files));
  mesh.setPods(podsOf(size));
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
      apply(withRuleChanged(files, rule));
      await push();
    }));
    if (wire.responses < size.proxies) throw new Error(`The changed rule reached ${wire.responses} of ${size.proxies} proxies.`);
  }
  const { responses, bytes } = wire;
  const change = rules.sort((one, other) => one.ms - other.ms)[2] ?? whole;
  const pod = await cost(async () => {
    mesh.setPods(podsOf(size).map((one, at) => ({ ...one, ready: at !== 3 })));
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

async function cost(run: () => void | Promise<void>): Promise<Cost> {
  const [clock, processor] = [performance.now(), process.cpuUsage()];
  await run();
  const { user, system } = process.cpuUsage(processor);
  return { ms: Math.round(performance.now() - clock), cpu_ms: Math.round((user + system) / 1000) };
}

const inProcess = process.argv.includes('--wire') ? {} : { half: await measure(half), full: await measure(full) };
console.log(JSON.stringify({ scale: { ...inProcess, wire: await measureWire(full) } }));
process.exit(0);
