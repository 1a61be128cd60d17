import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Compiler } from '../../src/controlplane/compiler.ts';
import { readJsonRequest } from '../../src/controlplane/ads/json-wire.ts';
import { createMesh, type Mesh } from '../../src/controlplane/mesh.ts';
import { createProblems } from '../../src/controlplane/problems.ts';
import { createProxies, type Proxies } from '../../src/controlplane/proxies.ts';
import { emptyState } from '../../src/controlplane/state/state.ts';
import { createPilotMetrics } from '../../src/controlplane/telemetry/pilot.ts';
import { layeredConfig, typeUrl } from '../../src/xds/index.ts';
import { plainCompiler, pod } from './fixture.ts';

afterEach(() => { vi.restoreAllMocks(); });

const proxies = ['one', 'two', 'three', 'four', 'five'];

describe('what all proxies have in common', () => {
  it('is looked through for names of secrets once, and the roots are written once, however many proxies and pushes', async () => {
    let looks = 0;
    const counting = (name: string): object => Object.defineProperty({ name }, 'transportSocket', { enumerable: true, get: () => { looks++; return undefined; } });
    const common = { clusters: [counting('a'), counting('b')], listeners: [{ name: 'virtualOutbound' }] };
    const own = new Map(proxies.map((name) => [name, { clusters: [], listeners: [{ name: `own of ${name}` }] }]));
    const compiler: Compiler = { ...plainCompiler, prepare: () => (node) => layeredConfig(common, own.get(node.name) ?? { clusters: [], listeners: [] }, { routes: [], endpoints: [], names: { table: {} } }) };
    const { hub, sent } = hubOf(compiler);
    const written = vi.spyOn(JSON, 'stringify');

    hub.push();
    await new Promise((resolve) => { setImmediate(resolve); });
    hub.push();

    // To find names, and to put them on the wire.
    expect(looks).toBe(2 * common.clusters.length);
    expect(written.mock.calls.filter(([value]) => (value as { readonly name?: string } | undefined)?.name === 'ROOTCA')).toHaveLength(1);
    expect(sent.filter((line) => line.includes('ROOTCA'))).toHaveLength(proxies.length);
  });
});

describe('a proxy whose pod is gone', () => {
  it('leaves nothing behind for a pod of its name', () => {
    const { hub, mesh, attached } = hubOf(plainCompiler);
    hub.push();
    for (const { issued, detach } of attached) {
      issued({ chain: 'chain', expires: 5, signer: 'first' });
      detach();
    }
    expect(hub.status()[0]).toMatchObject({ proxy: 'default/one', certificateExpires: 5 });
    const { pods } = mesh;
    mesh.setPods([]);
    hub.push();
    mesh.setPods(pods);
    hub.push();
    expect(hub.status()[0]).toMatchObject({ proxy: 'default/one', connected: false, certificateExpires: 0 });
  });
});

function hubOf(compiler: Compiler): { readonly hub: Proxies; readonly mesh: Mesh; readonly attached: readonly ReturnType<Proxies['attach']>[]; readonly sent: string[] } {
  const mesh = createMesh(emptyState, compiler, 'cluster.local', () => undefined);
  const pods = proxies.map((name) => pod(name));
  mesh.setPods(pods);
  const hub = createProxies({ mesh, compiler, authority: { roots: 'the roots', signer: 'first', rotated: false }, metrics: createPilotMetrics(), problems: createProblems(() => undefined), changed: () => undefined, now: () => 0 });
  const sent: string[] = [];
  const attached = pods.map((one) => {
    const connection = hub.attach(one, { send: (response) => { sent.push(Buffer.concat(response).toString()); }, trust: () => undefined, say: () => undefined, close: () => undefined });
    for (const type of ['cluster', 'listener', 'secret'] as const) {
      const request = readJsonRequest({ typeUrl: typeUrl[type], versionInfo: '', responseNonce: '' });
      if (request !== undefined) connection.session.request(request);
    }
    return connection;
  });
  return { hub, mesh, attached, sent };
}
