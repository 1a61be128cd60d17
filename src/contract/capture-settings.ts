import type { CaptureSettings } from './container.ts';

const prefix = 'traffic.sidecar.istio.io/';
const port = /^(?:[1-9]\d{0,4})$/;
const range = /^\d{1,3}(?:\.\d{1,3}){3}(?:\/\d{1,2})?$/;

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
    ...(['includeOutboundIpRanges', 'excludeOutboundIpRanges'] as const).flatMap((name) => check(name, isRange, 'an IPv4 range')),
  ];
}

/** The items of a comma-separated list, without blanks. */
export function captureList(text: string): readonly string[] {
  return text.split(',').map((item) => item.trim()).filter((item) => item !== '');
}

function isPort(text: string): boolean {
  return port.test(text) && Number(text) <= 65535;
}

function isRange(text: string): boolean {
  if (!range.test(text)) return false;
  const [ip = '', bits = '32'] = text.split('/');
  return Number(bits) <= 32 && ip.split('.').every((part) => Number(part) <= 255);
}
