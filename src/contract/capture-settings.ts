import { captureList, isIpv4Range, isPort } from '../util/capture-lists.ts';
import type { CaptureSettings } from './container.ts';

export { captureList };

const prefix = 'traffic.sidecar.istio.io/';

/**
 * What to capture of a pod, from its annotations, with Istio's defaults (all of inbound, outbound and DNS).
 * Source: istio.io/latest/docs/reference/config/annotations (`traffic.sidecar.istio.io/*`).
 */
export function captureSettings(annotations: Readonly<Record<string, string>>): CaptureSettings {
  const value = (name: string, otherwise: string): string => annotations[prefix + name]?.trim() ?? otherwise;
  return {
    includeOutboundPorts: value('includeOutboundPorts', ''),
    excludeOutboundPorts: value('excludeOutboundPorts', ''),
    includeInboundPorts: value('includeInboundPorts', '*'),
    excludeInboundPorts: value('excludeInboundPorts', ''),
    includeOutboundIpRanges: value('includeOutboundIPRanges', '*'),
    excludeOutboundIpRanges: value('excludeOutboundIPRanges', ''),
    captureDns: true,
  };
}

/** What is wrong with the settings, in words; empty when rules can be made of them. Nothing else ever reaches `iptables-restore`. */
export function captureProblems(settings: CaptureSettings): readonly string[] {
  const check = (name: keyof CaptureSettings, valid: (item: string) => boolean, kind: string): string[] =>
    captureList(String(settings[name])).filter((item) => item !== '*' && !valid(item)).map((item) => `${name}: "${item}" is not ${kind}.`);
  return [
    ...(['includeOutboundPorts', 'excludeOutboundPorts', 'includeInboundPorts', 'excludeInboundPorts'] as const).flatMap((name) => check(name, isPort, 'a port')),
    ...(['includeOutboundIpRanges', 'excludeOutboundIpRanges'] as const).flatMap((name) => check(name, isIpv4Range, 'an IPv4 range')),
  ];
}
