import { fork, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PodRegistration } from '../../src/contract/index.ts';
import { proxyNode, podKey } from '../../src/controlplane/mesh.ts';
import { connectControl } from '../../src/core/control/connect.ts';
import { createRoot } from '../../src/core/control/root.ts';
import type { ResourceType } from '../../src/xds/index.ts';
import { manifestsOf, podsOf, withRuleChanged, type MeshSize } from './mesh-of-size.ts';
import type { FromControl, ToControl } from './scale-control.ts';
import type { FromProxies, ToProxies } from './scale-proxies.ts';

/** Time from core's call to the last proxy's acknowledgement, and what the control plane's processor did meanwhile; what went out, as lines. Milliseconds. */
export interface WireCost { readonly ms: number; readonly cpu_ms: number; readonly responses: number; readonly sent_mb: number }

/** A control plane in a process of its own, with proxies on TLS connections of their own from another process. `change` is the median of five. */
export interface WireScale { readonly connect: { readonly ms: number; readonly cpu_ms: number }; readonly change: WireCost; readonly pod: WireCost; readonly heap_mb: number; readonly rss_mb: number }

const token = 'proxy-token';
const coreToken = 'core-token';
const hashed = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Measures a mesh of that size over the wire that sidecars speak. */
export async function measureWire(size: MeshSize): Promise<WireScale> {
  const stateDir = await mkdtemp(join(tmpdir(), 'scale-'));
  const control = child<ToControl, FromControl>('scale-control.ts', ['--expose-gc']);
  const proxies = child<ToProxies, FromProxies>('scale-proxies.ts', []);
  try {
    const root = await createRoot('cluster.local');
    const port = await control.ask({ start: { lab: 'scale', coreTokenHash: hashed(coreToken), trustDomain: 'cluster.local', ca: root, stateDir } }, (answer) => ('port' in answer ? answer.port : undefined));
    const core = await connectControl({ host: '127.0.0.1', port, token: coreToken, root: root.certificate }, 60_000);
    const files = manifestsOf(size);
    const pods = podsOf(size).map((pod): PodRegistration => ({ ...pod, tokenHash: hashed(token) }));
    await core.setNetwork({ virtualIpCidr: '10.128.0.0/16' });
    await core.setFiles(files);
    await core.setPods(pods);

    const usage = (): Promise<Extract<FromControl, { readonly cpu_ms: number }>> => control.ask({ usage: true }, (answer) => ('cpu_ms' in answer ? answer : undefined));
    const [begun, before] = [Date.now(), await usage()];
    await proxies.ask({ connect: { port, root: root.certificate, token, proxies: pods.map((pod) => ({ node: proxyNode(pod, 'cluster.local').id, proxy: podKey(pod) })) } }, (answer) => ('connected' in answer ? answer.connected : undefined));
    const connected = { ms: Date.now() - begun, cpu_ms: (await usage()).cpu_ms - before.cpu_ms };

    /** From the call until all have acknowledged, which core is asked for at the end. */
    const until = async (type: ResourceType, run: () => Promise<unknown>): Promise<WireCost> => {
      await proxies.ask({ watch: type }, (answer) => ('watching' in answer ? answer : undefined));
      const acknowledged = proxies.next((answer) => ('acknowledged' in answer ? answer.acknowledged : undefined));
      const used = await usage();
      const called = performance.timeOrigin + performance.now();
      await run();
      const { last, responses, bytes } = await acknowledged;
      const { cpu_ms } = await usage();
      const { version, proxies: status } = await core.status();
      const behind = status.filter((proxy) => proxy.acknowledged !== version).length;
      if (behind > 0) throw new Error(`${behind} proxies have not acknowledged version ${version}.`);
      return { ms: Math.round(last - called), cpu_ms: cpu_ms - used.cpu_ms, responses, sent_mb: Math.round(bytes / 1e5) / 10 };
    };
    const changes: WireCost[] = [];
    for (let rule = 1; rule <= 5; rule++) changes.push(await until('route', () => core.setFiles(withRuleChanged(files, rule))));
    const pod = await until('endpoint', () => core.setPods(pods.map((one, at) => ({ ...one, ready: at !== 3 }))));
    const { heap_mb, rss_mb } = await usage();
    core.close();
    const [, , change = pod] = changes.sort((one, other) => one.ms - other.ms);
    return { connect: connected, change, pod, heap_mb, rss_mb };
  } finally {
    control.stop();
    proxies.stop();
    await rm(stateDir, { recursive: true, force: true });
  }
}

interface Child<To, From> {
  next<Answer>(read: (message: From) => Answer | undefined): Promise<Answer>;
  ask<Answer>(message: To, read: (message: From) => Answer | undefined): Promise<Answer>;
  stop(): void;
}

function child<To extends object, From>(file: string, flags: readonly string[]): Child<To, From> {
  const started: ChildProcess = fork(fileURLToPath(new URL(file, import.meta.url)), [], { execArgv: [...flags, '--import', 'tsx'] });
  let stopped = false;
  const ended = new Promise<never>((_resolve, reject) => { started.once('exit', (code) => { if (!stopped) reject(new Error(`${file} has ended (${String(code)}).`)); }); });
  ended.catch(() => undefined);
  const next = <Answer>(read: (message: From) => Answer | undefined): Promise<Answer> => Promise.race([ended, new Promise<Answer>((resolve) => {
    const listener = (message: unknown): void => {
      const answer = read(message as From);
      if (answer === undefined) return;
      started.off('message', listener);
      resolve(answer);
    };
    started.on('message', listener);
  })]);
  return {
    next,
    ask: (message, read) => {
      const answer = next(read);
      started.send(message);
      return answer;
    },
    stop: () => {
      stopped = true;
      started.kill('SIGKILL');
    },
  };
}
