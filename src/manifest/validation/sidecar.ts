import type { TypedResource } from '../guards.ts';
import type { Sidecar } from '../kinds/sidecar.ts';
import { checkConnectionPool } from './destination-rule.ts';
import { checkServerTls, isProtocol } from './gateway.ts';
import { checkPort, checkSelector, checkSocket, domainFault, isIp, isLabel, wildcardDomainFault } from './names.ts';
import { each, type Report } from './report.ts';
import { checkDestination } from './shared.ts';

/** Istio's admission rules for a Sidecar. */
export function validateSidecar(resource: TypedResource<'Sidecar'>, report: Report): void {
  const { spec } = resource;
  if (spec.workloadSelector !== undefined) checkSelector(spec.workloadSelector.labels, report.at('workloadSelector', 'labels'));
  if (spec.egress.length + spec.ingress.length === 0 && spec.inboundConnectionPool === undefined && spec.outboundTrafficPolicy === undefined) {
    report.error('The Sidecar says nothing: no egress, ingress, inboundConnectionPool or outboundTrafficPolicy.');
  }
  const ports = new Set<number>();
  each(spec.ingress, report.at('ingress'), (ingress, place) => checkIngress(ingress, place, ports));
  checkEgress(spec.egress, report.at('egress'));
  if (spec.inboundConnectionPool !== undefined) checkConnectionPool(spec.inboundConnectionPool, report.at('inboundConnectionPool'));
  checkPolicy(spec.outboundTrafficPolicy, report.at('outboundTrafficPolicy'));
}

type Ingress = Sidecar['ingress'][number];
type Port = NonNullable<Ingress['port']>;
const socket = 'unix://';

function checkIngress(ingress: Ingress, report: Report, ports: Set<number>): void {
  const { port, bind, tls } = ingress;
  if (port === undefined) return report.error('An ingress listener needs a port.');
  checkPort(port.number, report.at('port', 'number'));
  checkPortName(port, report);
  if (ports.has(port.number)) report.at('port', 'number').error(`Port ${port.number} has two ingress listeners.`);
  ports.add(port.number);
  if (bind !== '' && !isIp(bind)) report.at('bind').error('An ingress listener binds an IP address; unix sockets are for egress.');
  checkDefaultEndpoint(ingress.defaultEndpoint, report.at('defaultEndpoint'));
  if (tls !== undefined) checkIngressTls(tls, port.protocol, report.at('tls'));
  if (ingress.connectionPool === undefined) return undefined;
  checkConnectionPool(ingress.connectionPool, report.at('connectionPool'));
  const http = ['HTTP', 'HTTP2', 'GRPC', 'GRPC-WEB'].includes(port.protocol.toUpperCase());
  if (ingress.connectionPool.http !== undefined && !http) report.at('connectionPool', 'http').warning(`HTTP settings have no effect on a port with protocol ${port.protocol}.`);
  return undefined;
}

function checkIngressTls(tls: NonNullable<Ingress['tls']>, protocol: string, report: Report): void {
  if (tls.mode === 'ISTIO_MUTUAL') report.at('mode').error('ISTIO_MUTUAL is what sidecars do anyway; ingress TLS is for certificates of your own.', 'Use SIMPLE or MUTUAL.');
  else if (tls.mode !== 'SIMPLE' && tls.mode !== 'MUTUAL' && tls.mode !== 'OPTIONAL_MUTUAL') report.at('mode').error(`Mode ${tls.mode} is not possible in a Sidecar.`, 'Use SIMPLE or MUTUAL.');
  if (tls.httpsRedirect) report.at('httpsRedirect').error('httpsRedirect is for gateways.');
  if (tls.credentialName !== '') report.at('credentialName').error('A sidecar reads certificates from files, so credentialName has no effect.');
  if (tls.credentialNames.length > 0) report.at('credentialNames').error('A sidecar reads certificates from files, so credentialNames has no effect.');
  if (tls.tlsCertificates.length > 0) report.at('tlsCertificates').error('A sidecar has one certificate.', 'Use serverCertificate and privateKey.');
  if (tls.subjectAltNames.length > 0) report.at('subjectAltNames').error('A sidecar does not compare the names of its clients.', 'Use an AuthorizationPolicy.');
  if (protocol.toUpperCase() !== 'HTTPS' && protocol.toUpperCase() !== 'TLS') report.error(`A port with protocol ${protocol || '(none)'} has no TLS.`, 'Use HTTPS or TLS.');
  checkServerTls(tls, report);
}

function checkDefaultEndpoint(endpoint: string, report: Report): void {
  if (endpoint === '') return;
  if (endpoint.startsWith(socket)) {
    report.say({ code: 'WEFT0007', level: 'info', message: `defaultEndpoint ${endpoint} is known but not run: a sidecar of the lab shares no files with its application, so connections go to the port itself.`, help: 'Write 127.0.0.1:PORT, where the application listens.' });
    return checkSocket(endpoint, report);
  }
  const colon = endpoint.lastIndexOf(':');
  const host = endpoint.slice(0, colon);
  if (colon < 0 || !['127.0.0.1', '0.0.0.0', '[::1]', '[::]', ''].includes(host)) return report.error(`“${endpoint}” is not in the pod.`, 'Write 127.0.0.1:PORT, 0.0.0.0:PORT, [::1]:PORT or a unix socket.');
  checkPort(Number(endpoint.slice(colon + 1)) || 0, report);
}

function checkEgress(egress: Sidecar['egress'], report: Report): void {
  const taken: Taken = { ports: new Set(), sockets: new Set() };
  let catchAll: number | undefined;
  each(egress, report, (listener, place, index) => {
    if (listener.port !== undefined) checkListener(listener, listener.port, place, taken);
    else {
      if (listener.bind !== '') place.error('A listener with bind needs a port.');
      if (index !== egress.length - 1 && catchAll === undefined) place.error('Only the last egress listener may be without a port: it takes all the rest.');
      catchAll ??= index;
    }
    if (listener.hosts.length === 0) place.error('An egress listener needs hosts.', 'Write hosts such as "./*".');
    each(listener.hosts, place.at('hosts'), checkEgressHost);
    checkRepetitions(listener.hosts, place.at('hosts'));
  });
}

interface Taken {
  readonly ports: Set<number>;
  readonly sockets: Set<string>;
}

function checkListener({ bind, captureMode }: Sidecar['egress'][number], port: Port, report: Report, { ports, sockets }: Taken): void {
  checkPortName(port, report);
  const unix = bind.startsWith(socket);
  if (port.number === 0 && unix) {
    checkSocket(bind, report.at('bind'));
    if (captureMode !== 'DEFAULT' && captureMode !== 'NONE') report.at('captureMode').error('Connections to a unix socket are not captured.');
    if (sockets.has(bind)) report.at('bind').error(`The socket ${bind} has two egress listeners.`);
    sockets.add(bind);
    return;
  }
  checkPort(port.number, report.at('port', 'number'));
  if (ports.has(port.number)) report.at('port', 'number').error(`Port ${port.number} has two egress listeners.`);
  ports.add(port.number);
  if (unix) report.at('port', 'number').error('A unix socket has no port.', 'Leave port.number out.');
  else if (bind !== '' && !isIp(bind)) report.at('bind').error(`“${bind}” is not an IP address.`);
}

/** Names and protocols of ports are optional; where they are written, they must be some. */
function checkPortName({ name, protocol }: Port, report: Report): void {
  if (name !== '' && !isLabel(name)) report.at('port', 'name').error(`“${name}” is not a port name.`);
  if (protocol !== '' && !isProtocol(protocol)) report.at('port', 'protocol').error(`“${protocol}” is not a protocol that Istio knows.`);
}

function checkEgressHost(host: string, report: Report): void {
  const parts = host.split('/');
  if (parts.length !== 2) return report.error(`“${host}” is not of the form namespace/host.`, 'Write "./*" for your own namespace, "*/*" for all.');
  const [space = '', name = ''] = parts;
  const namespace = space.length > 1 && space.startsWith('~') ? space.slice(1) : space;
  if (!['*', '.', '~'].includes(namespace) && !isLabel(namespace)) return report.error(`“${space}” is not a namespace.`);
  const fault = name === '*' ? undefined : wildcardDomainFault(name);
  if (fault !== undefined) return report.error(`The host “${name}” ${fault}.`);
  if (name !== '*' && !name.includes('.')) return report.error(`“${name}” is a short name; a Sidecar needs whole ones.`, `Write ${name}.NAMESPACE.svc.cluster.local.`);
  if (name.startsWith('*') && name !== '*' && !name.startsWith('*.')) return report.error(`A wildcard must be a whole label: “${name}”.`);
  return undefined;
}

/** Warns of hosts of one listener that its other hosts already hold; those that begin with `~` take away instead. */
function checkRepetitions(hosts: readonly string[], report: Report): void {
  const own = report.namespace;
  const split = (host: string): readonly string[] => host.replace(/^\.\//, `${own}/`).split('/');
  each(hosts, report, (host, place, index) => {
    const [namespace, name] = split(host);
    const same = hosts.slice(0, index).find((earlier) => {
      const [space, other] = split(earlier);
      return space === namespace && (other === name || other === '*' || name === '*');
    });
    if (same !== undefined) place.warning(`“${host}” and “${same}” name the same hosts.`, 'Keep the wider one.');
  });
  if (hosts.includes('*/*') && hosts.some((host) => host !== '*/*' && !host.startsWith('~'))) report.warning('“*/*” already means all hosts.', 'Remove the other ones.');
}

function checkPolicy(policy: Sidecar['outboundTrafficPolicy'], report: Report): void {
  if (policy?.egressProxy === undefined) return;
  const place = report.at('egressProxy');
  if (policy.mode !== 'ALLOW_ANY') place.error('egressProxy is where unknown traffic goes, which only exists with mode ALLOW_ANY.');
  checkDestination(policy.egressProxy, place);
  if (policy.egressProxy.host.startsWith('*') && domainFault(policy.egressProxy.host) !== undefined) place.at('host').error('A proxy is one host; a wildcard is none.');
  if (policy.egressProxy.port === undefined) place.error('egressProxy needs a port.');
}
