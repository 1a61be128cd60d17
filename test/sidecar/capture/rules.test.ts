import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { captureProblems, captureSettings } from '../../../src/contract/index.ts';
import { captureRules, withoutPresentJumps } from '../../../src/sidecar/capture/rules.ts';

test('everything is captured unless the pod says otherwise', () => {
  expect(captureSettings({})).toEqual({
    includeOutboundPorts: '', excludeOutboundPorts: '', includeInboundPorts: '*', excludeInboundPorts: '', includeOutboundIpRanges: '*', excludeOutboundIpRanges: '', captureDns: true,
  });
});

test('annotations are honoured', () => {
  const rules = captureRules(captureSettings({
    'traffic.sidecar.istio.io/includeInboundPorts': '80, 8080',
    'traffic.sidecar.istio.io/excludeOutboundPorts': '3306',
    'traffic.sidecar.istio.io/includeOutboundPorts': '9000',
    'traffic.sidecar.istio.io/includeOutboundIPRanges': '10.0.0.0/8',
    'traffic.sidecar.istio.io/excludeOutboundIPRanges': '10.1.0.0/16',
  }), 1337).split('\n');
  expect(rules.filter((rule) => rule.includes('ISTIO_INBOUND ') && rule.includes('dport'))).toEqual([
    '-A ISTIO_INBOUND -p tcp -m tcp --dport 80 -j ISTIO_IN_REDIRECT', '-A ISTIO_INBOUND -p tcp -m tcp --dport 8080 -j ISTIO_IN_REDIRECT',
  ]);
  expect(rules.slice(-6, -2)).toEqual([
    '-A ISTIO_OUTPUT -p tcp -m tcp --dport 3306 -j RETURN', '-A ISTIO_OUTPUT -d 10.1.0.0/16 -j RETURN',
    '-A ISTIO_OUTPUT -p tcp -m tcp --dport 9000 -j ISTIO_REDIRECT', '-A ISTIO_OUTPUT -d 10.0.0.0/8 -p tcp -j ISTIO_REDIRECT',
  ]);
});

test.each(['0', '65536', '80 -j ACCEPT', '80\n-A OUTPUT -j DROP', '-1', 'http'])('the port %j never reaches iptables', (port) => {
  const settings = captureSettings({ 'traffic.sidecar.istio.io/excludeInboundPorts': port });
  expect(captureProblems(settings)).toHaveLength(1);
  expect(() => captureRules(settings, 1337)).toThrow('is not a port');
});

test.each(['10.0.0.0/33', '10.0.0.256', '::/0', 'all'])('the range %j never reaches iptables', (range) => {
  expect(captureProblems(captureSettings({ 'traffic.sidecar.istio.io/excludeOutboundIPRanges': range }))).toHaveLength(1);
});

test('jumps that are in force are not added twice', () => {
  const rules = captureRules(captureSettings({}), 1337);
  const again = withoutPresentJumps(rules, '*nat\n-A PREROUTING -p tcp -j ISTIO_INBOUND\n-A OUTPUT -p udp -m udp --dport 53 -j ISTIO_OUTPUT\n-A OUTPUT -p tcp -j ISTIO_OUTPUT\n');
  expect(again).not.toContain('-I ');
  expect(again.split('\n')).toHaveLength(rules.split('\n').length - 3);
});

const works = (command: string): boolean => process.platform === 'linux' && spawnSync('unshare', ['-n', 'sh', '-c', command], { stdio: 'ignore' }).status === 0;

test.for(['iptables-nft', 'iptables-legacy'])('traffic of a pod takes the way that it must (%s)', { timeout: 60_000 }, async (iptables, context) => {
  context.skip(!works(`ip link add pod0 type veth peer name bridge0 && ${iptables} -t nat -L && echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start`), `needs root, network namespaces, a writable /proc/sys and ${iptables}`);
  const folder = mkdtempSync(join(tmpdir(), 'weft-capture-'));
  try {
    const outfile = join(folder, 'pod.mjs');
    await build({ entryPoints: [join(import.meta.dirname, 'pod.ts')], bundle: true, platform: 'node', format: 'esm', outfile, external: ['koffi'], logLevel: 'silent', alias: {} });
    execFileSync('ln', ['-s', join(import.meta.dirname, '../../../node_modules'), join(folder, 'node_modules')]);
    const result = JSON.parse(execFileSync('unshare', ['-n', process.execPath, outfile, iptables], { encoding: 'utf8' })) as { backend: string; tries: Record<string, string>; jumps: string[] };
    expect(result.backend).toBe(iptables === 'iptables-nft' ? 'nf_tables' : 'legacy');
    expect(result.tries).toEqual({
      'app → service': 'outbound 10.99.0.77:9080',
      'app → outside': 'outbound 93.184.215.14:80',
      'app → excluded port of its pod': 'app 10.99.0.2:8080',
      'app → loopback': 'app 127.0.0.1:8080',
      'proxy → its own pod': 'inbound 10.99.0.2:8080',
      'proxy → its application': 'app 10.99.0.2:8080',
      'proxy → loopback': 'app 127.0.0.1:8080',
      'app DNS': 'dns', 'app DNS elsewhere': 'timeout', 'app DNS by TCP': 'dns-tcp 127.0.0.11:53',
      'proxy DNS': 'docker', 'proxy DNS by TCP': 'docker-tcp 127.0.0.11:53',
    });
    expect(result.jumps.filter((jump) => jump.includes('ISTIO'))).toHaveLength(3);
    expect(result.jumps.findIndex((jump) => jump.includes('DOCKER'))).toBeGreaterThan(result.jumps.findLastIndex((jump) => jump.includes('OUTPUT') && jump.includes('ISTIO')));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
