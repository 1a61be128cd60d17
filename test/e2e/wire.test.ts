import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bookinfo, hasPeer, noEngine, startLab, until, type TestLab } from './support/index.ts';

const can = (command: string): boolean => {
  try { execFileSync('sh', ['-c', `command -v ${command}`], { stdio: 'pipe' }); return true; } catch { return false; }
};
const why = noEngine ?? (!hasPeer ? 'Istio’s sample files are not here' : process.platform !== 'linux' || process.getuid?.() !== 0 || !can('tcpdump') ? 'capturing needs Linux, root and tcpdump' : undefined);
const name = 'test-wire';
/** CAP_NET_ADMIN's bit. */
const netAdmin = 12n;

interface Network { readonly Id: string; readonly IPAM: { readonly Config: readonly { readonly Gateway?: string }[] } }

/** Captures the payloads between containers on the lab's bridge while something is done; what the host itself sends is left out. */
async function capture(work: () => Promise<void>): Promise<Buffer> {
  const id = execFileSync('docker', ['network', 'ls', '-q', '--no-trunc', '--filter', `label=dev.weft.lab=${name}`], { encoding: 'utf8' }).trim().split('\n')[0] ?? '';
  const [network] = JSON.parse(execFileSync('docker', ['network', 'inspect', id], { encoding: 'utf8' })) as Network[];
  const gateway = network?.IPAM.Config[0]?.Gateway ?? '';
  const dump = spawn('tcpdump', ['-i', `br-${id.slice(0, 12)}`, '-U', '-w', '-', 'tcp', 'and', 'not', 'host', gateway], { stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  dump.stdout.on('data', (chunk: Buffer) => { chunks.push(chunk); });
  let said = '';
  dump.stderr.on('data', (chunk: Buffer) => { said += chunk.toString(); });
  await until('tcpdump listens', () => /listening on/.test(said));
  await work();
  await until('something was captured', () => chunks.reduce((sum, chunk) => sum + chunk.length, 0) > 10_000);
  const ended = new Promise((resolve) => { dump.once('exit', resolve); });
  dump.kill('SIGTERM');
  await ended;
  return Buffer.concat(chunks);
}

describe.skipIf(why !== undefined)(`bytes between pods${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let lab: TestLab;

  beforeAll(async () => {
    lab = await startLab(name, bookinfo());
    await lab.synced();
  });
  afterAll(async () => { await lab?.down(); });

  const pages = async (): Promise<void> => { for (let i = 0; i < 10; i += 1) expect((await lab.get('/productpage')).status).toBe(200); };

  it('are TLS and nothing else, and records name both identities', async () => {
    const bytes = await capture(pages);
    expect(bytes.includes('HTTP/1.1')).toBe(false);
    expect(bytes.includes('/reviews/0')).toBe(false);
    // TLS application data: type 23, version 3.3.
    expect(bytes.includes(Buffer.from([0x17, 0x03, 0x03]))).toBe(true);
    const records = (await lab.records({ text: '/reviews/0' })).filter((record) => record.reporter === 'destination');
    expect(records.length).toBeGreaterThan(0);
    expect(records.every((record) => record.mtls && record.source.principal === 'spiffe://cluster.local/ns/default/sa/bookinfo-productpage' && record.destination.principal === 'spiffe://cluster.local/ns/default/sa/bookinfo-reviews')).toBe(true);
  });

  it('are readable once mTLS is switched off for the mesh', async () => {
    await lab.core.switch({ lab: name, action: { kind: 'mtls', namespace: '', mode: 'DISABLE' } });
    await lab.synced();
    const bytes = await capture(pages);
    expect(bytes.includes('/reviews/0')).toBe(true);
  });

  it('app containers run what their manifests say, with nothing added', () => {
    const ids = execFileSync('docker', ['ps', '-q', '--filter', `label=dev.weft.lab=${name}`], { encoding: 'utf8' }).trim().split('\n');
    const containers = JSON.parse(execFileSync('docker', ['inspect', ...ids], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })) as { Name: string; State: { Pid: number }; HostConfig: { Privileged: boolean; CapAdd: string[] | null; SecurityOpt: string[] | null; PortBindings: Record<string, { HostIp: string }[]> | null; PidsLimit: number | null; Memory: number } }[];
    for (const { Name, State, HostConfig } of containers) {
      expect.soft(HostConfig.Privileged, Name).toBe(false);
      if (!Name.endsWith('_sandbox')) expect.soft(HostConfig.CapAdd ?? [], Name).not.toContain('NET_ADMIN');
      // What the first process can do now: nothing with the network, whatever its start was allowed.
      const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync(`/proc/${State.Pid}/status`, 'utf8'))?.[1] ?? 'ffff'}`);
      expect.soft(capabilities & (1n << netAdmin), Name).toBe(0n);
      expect.soft(HostConfig.SecurityOpt ?? [], Name).toContain('no-new-privileges');
      expect.soft(HostConfig.PidsLimit ?? 0, Name).toBeGreaterThan(0);
      expect.soft(HostConfig.Memory, Name).toBeGreaterThan(0);
      for (const bindings of Object.values(HostConfig.PortBindings ?? {})) expect.soft(bindings.every((binding) => binding.HostIp === '127.0.0.1'), Name).toBe(true);
    }
  });
});
