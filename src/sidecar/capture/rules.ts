import { captureList, captureProblems, ports, type CaptureSettings } from '../../contract/index.ts';

/** Ports of the proxy itself that other pods may reach without capture: metrics, health and merged metrics. */
const openPorts = [String(ports.prometheus), String(ports.health), '15020'];

/** Source address of the proxy's own calls to the pod's application: capture lets it pass, as in Istio. */
export const passthroughSource = '127.0.0.6';

/** The nameserver that Docker writes into every pod's resolv.conf. */
const nameserver = '127.0.0.11';

/**
 * The capture rules of a pod as input of `iptables-restore --noflush` (table nat, IPv4). Chains are named and ordered as Istio's.
 * Applying them again changes nothing but the rules. Throws when `captureProblems` finds something.
 *
 * DNS comes first in OUTPUT, ahead of Docker's own DNAT of 127.0.0.11:53; the proxy's own queries return and meet that DNAT. Only what goes
 * to that nameserver is captured, as Istio captures for those of resolv.conf: Docker asks the servers behind it from inside of the pod's
 * network, and captured questions of its own would come back to it with the mesh's virtual addresses.
 */
export function captureRules(settings: CaptureSettings, uid: number): string {
  const problems = captureProblems(settings);
  if (problems.length > 0) throw new Error(problems.join(' '));
  return [
    '*nat',
    ':ISTIO_INBOUND - [0:0]', ':ISTIO_IN_REDIRECT - [0:0]', ':ISTIO_OUTPUT - [0:0]', ':ISTIO_REDIRECT - [0:0]',
    '-I PREROUTING 1 -p tcp -j ISTIO_INBOUND',
    '-I OUTPUT 1 -p tcp -j ISTIO_OUTPUT',
    ...(settings.captureDns ? ['-I OUTPUT 1 -p udp -m udp --dport 53 -j ISTIO_OUTPUT'] : []),
    `-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports ${ports.outbound}`,
    `-A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports ${ports.inbound}`,
    ...inbound(settings),
    ...outbound(settings, uid),
    'COMMIT', '',
  ].join('\n');
}

/**
 * Rules for IPv6 (`ip6tables-restore --noflush`, table filter): the mesh is IPv4 only, so TCP that would go round the proxy is refused
 * at once; loopback and the proxy itself pass.
 */
export function captureRules6(uid: number): string {
  return [
    '*filter', ':ISTIO_OUTPUT - [0:0]', ':ISTIO_INBOUND - [0:0]',
    '-I INPUT 1 -p tcp -j ISTIO_INBOUND', '-I OUTPUT 1 -p tcp -j ISTIO_OUTPUT',
    '-A ISTIO_INBOUND -i lo -j RETURN', '-A ISTIO_INBOUND -p tcp -m conntrack --ctstate ESTABLISHED -j RETURN', '-A ISTIO_INBOUND -p tcp -j REJECT --reject-with tcp-reset',
    '-A ISTIO_OUTPUT -o lo -j RETURN', `-A ISTIO_OUTPUT -m owner --uid-owner ${uid} -j RETURN`, '-A ISTIO_OUTPUT -p tcp -j REJECT --reject-with tcp-reset',
    'COMMIT', '',
  ].join('\n');
}

/** The rules without the jumps that are already in force, so that a second run adds none twice. `saved` is the output of `iptables-save`. */
export function withoutPresentJumps(rules: string, saved: string): string {
  const present = new Set(saved.split('\n').filter((line) => line.startsWith('-A ')).map((line) => line.slice(3).trim()));
  return rules.split('\n').filter((line) => !(line.startsWith('-I ') && present.has(line.replace(/^-I (\S+) 1 /, '$1 ')))).join('\n');
}

function inbound(settings: CaptureSettings): string[] {
  const included = captureList(settings.includeInboundPorts);
  const excluded = new Set([...captureList(settings.excludeInboundPorts), ...openPorts]);
  if (included.includes('*')) {
    return [...[...excluded].map((port) => `-A ISTIO_INBOUND -p tcp -m tcp --dport ${port} -j RETURN`), '-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT'];
  }
  return included.filter((port) => !excluded.has(port)).map((port) => `-A ISTIO_INBOUND -p tcp -m tcp --dport ${port} -j ISTIO_IN_REDIRECT`);
}

function outbound(settings: CaptureSettings, uid: number): string[] {
  const proxy = `-m owner --uid-owner ${uid}`;
  const dns = ['udp', 'tcp'].flatMap((protocol) => [
    `-A ISTIO_OUTPUT -d ${nameserver}/32 -p ${protocol} -m ${protocol} --dport 53 ${proxy} -j RETURN`,
    `-A ISTIO_OUTPUT -d ${nameserver}/32 -p ${protocol} -m ${protocol} --dport 53 -j REDIRECT --to-ports ${ports.dns}`,
  ]);
  return [
    `-A ISTIO_OUTPUT -s ${passthroughSource}/32 -o lo -j RETURN`,
    ...(settings.captureDns ? dns : []),
    // The proxy reaching its own pod's address: the pod calls its own service, so its inbound side must see it.
    `-A ISTIO_OUTPUT ! -d 127.0.0.0/8 -o lo -p tcp ${proxy} -j ISTIO_IN_REDIRECT`,
    `-A ISTIO_OUTPUT -o lo -m owner ! --uid-owner ${uid} -j RETURN`,
    `-A ISTIO_OUTPUT ${proxy} -j RETURN`,
    '-A ISTIO_OUTPUT -d 127.0.0.0/8 -j RETURN',
    ...outboundTargets(settings),
  ];
}

function outboundTargets(settings: CaptureSettings): string[] {
  const ranges = captureList(settings.includeOutboundIpRanges);
  const redirect = (condition: string): string => `-A ISTIO_OUTPUT ${condition} -j ISTIO_REDIRECT`;
  return [
    ...captureList(settings.excludeOutboundPorts).map((port) => `-A ISTIO_OUTPUT -p tcp -m tcp --dport ${port} -j RETURN`),
    ...captureList(settings.excludeOutboundIpRanges).map((range) => `-A ISTIO_OUTPUT -d ${range} -j RETURN`),
    ...captureList(settings.includeOutboundPorts).map((port) => redirect(port === '*' ? '-p tcp' : `-p tcp -m tcp --dport ${port}`)),
    ...(ranges.includes('*') ? [redirect('-p tcp')] : ranges.map((range) => redirect(`-d ${range} -p tcp`))),
  ];
}
