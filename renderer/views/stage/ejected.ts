import type { EjectionReason, PodStatus, UpstreamStatus } from '../../../src/contract/index.ts';
import { format } from '../../ui/index.ts';

const reasons: Readonly<Record<EjectionReason, string>> = {
  'consecutive-5xx-errors': 'too many 5xx answers in a row',
  'consecutive-gateway-errors': 'too many 502, 503 or 504 in a row',
  'consecutive-local-origin-failures': 'too many failed connections in a row',
};

/** Ejected hosts in words, by id of their node and by version: who is out, until when, why, and who says so. */
export function ejectedHosts(upstreams: readonly UpstreamStatus[], pods: readonly PodStatus[]): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const apps = new Map(pods.map(pod => [`${pod.namespace}/${pod.name}`, pod]));
  const out = new Map<string, Map<string, Map<string, string>>>();
  for (const { proxy, hosts } of upstreams) {
    for (const { pod: name, ejection } of hosts) {
      const pod = apps.get(name);
      if (pod === undefined || ejection === undefined) continue;
      const versions = out.get(`${pod.namespace}/${pod.app}`) ?? new Map<string, Map<string, string>>();
      const lines = versions.get(pod.version) ?? new Map<string, string>();
      out.set(`${pod.namespace}/${pod.app}`, versions.set(pod.version, lines));
      const caller = apps.get(proxy)?.app ?? proxy;
      lines.set(`${name} ${caller}`, `${caller} leaves ${pod.name} out until ${format.clock(ejection.until).slice(0, 8)}: ${reasons[ejection.reason]}`);
    }
  }
  return new Map([...out].map(([node, versions]) => [node, new Map([...versions].map(([version, lines]) => [version, [...lines.values()].sort().join('\n')]))]));
}
