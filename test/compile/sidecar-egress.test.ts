import { describe, expect, it } from 'vitest';
import { compile } from '../../src/compile/index.ts';
import type { ProxyConfig } from '../../src/xds/index.ts';
import { nodeOf, pod, snapshot } from './lab.ts';

const service = (name: string, port: number): string => `
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { selector: { app: ${name} }, ports: [{ name: http, port: ${port} }] }`;
const sidecar = (egress: string): string => `
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: default }
spec: { egress: [${egress}] }`;

function compiled(egress: string): ProxyConfig {
  const caller = pod('caller', 'v1', '10.0.0.2');
  return compile(snapshot([service('a', 80), service('b', 80), service('c', 90), sidecar(egress)], [caller]), nodeOf(caller));
}
const hosts = ({ routes }: ProxyConfig, port: string): readonly string[] => (routes.find(({ name }) => name === port)?.virtualHosts ?? []).map(({ name }) => name?.split('.')[0] ?? '');
const listener = ({ listeners }: ProxyConfig, name: string): ProxyConfig['listeners'][number] | undefined => listeners.find((one) => one.name === name);

describe('an egress listener of a Sidecar', () => {
  it('has only its own hosts on its port; the others have theirs on all other ports', () => {
    const config = compiled('{ port: { number: 80, protocol: HTTP, name: x }, hosts: ["./a.default.svc.cluster.local"] }, { hosts: ["./*"] }');
    expect(hosts(config, '80')).toEqual(['a', 'allow_any']);
    expect(hosts(config, '90')).toEqual(['c', 'allow_any']);
  });

  it('opens no port that it does not name', () => {
    expect(hosts(compiled('{ port: { number: 80, protocol: HTTP, name: x }, hosts: ["./*"] }'), '90')).toEqual([]);
  });

  it('listens where it says, and by itself when nothing captures for it', () => {
    const config = compiled('{ port: { number: 80, protocol: HTTP, name: x }, captureMode: NONE, hosts: ["./*"] }');
    expect(listener(config, '127.0.0.1_80')?.bindToPort).toBe(true);
    expect(hosts(config, '80')).toEqual(['a', 'b', 'allow_any']);
    expect(listener(compiled('{ port: { number: 80, protocol: HTTP, name: x }, bind: 127.0.0.9, hosts: ["./*"] }'), '127.0.0.9_80')?.bindToPort).toBe(false);
  });
});
