import type { Server, ServerTLSSettings } from '../../features/gateway/manifest.ts';
import type { TypedResource } from '../guards.ts';
import { checkExact, checkPort, checkSocket, isIp, isLabel, wildcardDomainFault } from './names.ts';
import { each, type Report } from './report.ts';

/** Istio's admission rules for a Gateway. */
export function validateGateway(resource: TypedResource<'Gateway'>, report: Report): void {
  const { servers, selector } = resource.spec;
  const generated = resource.metadata.annotations['internal.istio.io/gateway-semantics'] === 'gateway';
  if (servers.length === 0) report.error('The Gateway has no servers, so it opens no port.', 'Write servers.');
  checkExact(selector, report.at('selector'));
  const names = new Map<string, number>();
  each(servers, report.at('servers'), (server, place, index) => {
    checkServer(server, place, generated);
    const name = server.port?.name ?? '';
    if (name !== '' && names.has(name)) place.at('port', 'name').error(`The port name “${name}” is used twice in this Gateway.`);
    names.set(name, index);
  });
}

const protocols = new Set('HTTP HTTP_PROXY HTTPS GRPC GRPC-WEB HTTP2 MONGO REDIS MYSQL TCP TLS UDP'.split(' '));

/** Whether Istio knows a protocol's name, in any case. */
export function isProtocol(name: string): boolean {
  return protocols.has(name.toUpperCase()) || name.toUpperCase() === 'HBONE';
}

function checkServer(server: Server, report: Report, generated: boolean): void {
  if (server.hosts.length === 0) report.error('The server has no hosts.', 'Write hosts; "*" for all.');
  each(server.hosts, report.at('hosts'), (host, place) => checkServerHost(host, place, generated));
  const unix = server.bind.startsWith('unix://');
  if (server.bind !== '' && !unix && !isIp(server.bind)) report.at('bind').error(`“${server.bind}” is not an IP address.`);
  if (unix) checkSocket(server.bind, report.at('bind'));
  if (unix && server.port !== undefined && server.port.number !== 0) report.at('port', 'number').error('A unix socket has no port.', 'Write number: 0.');
  if (server.port === undefined) return report.error('The server has no port.');
  checkServerPort(server.port, report.at('port'), unix);
  if (server.port.name === '') report.at('port').error('The server’s port has no name.', 'Write port.name.');
  const secure = ['HTTPS', 'TLS'].includes(server.port.protocol.toUpperCase());
  if (secure && server.tls === undefined) report.error(`A port with protocol ${server.port.protocol} needs TLS settings.`, 'Write tls with a mode, and credentialName.');
  if (!secure && server.tls !== undefined && !(isHttp(server.port.protocol) && isBare(server.tls))) report.at('tls').error(`TLS settings have no meaning on a port with protocol ${server.port.protocol || '(none)'}.`, 'Use HTTPS or TLS, or keep only httpsRedirect.');
  if (server.tls?.httpsRedirect === true && !isHttp(server.port.protocol)) report.at('tls', 'httpsRedirect').warning(`httpsRedirect is for plain HTTP ports, not for ${server.port.protocol || '(none)'}.`);
  if (server.tls !== undefined) checkServerTls(server.tls, report.at('tls'));
}

const isHttp = (protocol: string): boolean => ['HTTP', 'HTTP2', 'GRPC', 'GRPC-WEB'].includes(protocol.toUpperCase());
/** TLS settings that terminate nothing: they can only redirect. */
const isBare = (tls: ServerTLSSettings): boolean => passing.has(tls.mode) && tls.serverCertificate === '' && tls.privateKey === '' && tls.caCertificates === '';

const passing = new Set(['PASSTHROUGH', 'AUTO_PASSTHROUGH']);

function checkServerHost(host: string, report: Report, generated: boolean): void {
  const slash = host.indexOf('/');
  const namespace = slash < 0 ? undefined : host.slice(0, slash);
  const name = host.slice(slash + 1);
  if (namespace !== undefined && namespace !== '*' && namespace !== '.' && !isLabel(namespace) && !(generated && namespace === '~')) return report.error(`“${namespace}” is not a namespace.`);
  if (isIp(name) || name === '*') return undefined;
  const fault = wildcardDomainFault(name);
  if (fault !== undefined) return report.error(`The host “${name}” ${fault}.`);
  if (!name.includes('.')) return report.error(`A gateway serves fully qualified hosts; “${name}” is a short name.`, 'Write the whole name.');
  if (name.startsWith('*') && !name.startsWith('*.')) return report.error(`A wildcard must be a whole label: “${name}”.`, 'Write *.example.com.');
  return undefined;
}

function checkServerPort(port: NonNullable<Server['port']>, report: Report, unix: boolean): void {
  if (!unix || port.number !== 0) checkPort(port.number, report.at('number'));
  if (port.protocol === '') report.at('protocol').error('The port has no protocol.', 'Write HTTP, HTTPS, GRPC, HTTP2, TCP or TLS.');
  else if (!isProtocol(port.protocol)) report.at('protocol').error(`“${port.protocol}” is not a protocol that Istio knows.`, 'Write HTTP, HTTPS, GRPC, HTTP2, TCP or TLS.');
}

const ciphers = new Set(
  'ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256 ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384 ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-RSA-CHACHA20-POLY1305 ECDHE-ECDSA-AES128-SHA ECDHE-RSA-AES128-SHA ECDHE-ECDSA-AES256-SHA ECDHE-RSA-AES256-SHA ECDHE-ECDSA-AES128-SHA256 ECDHE-RSA-AES128-SHA256 ECDHE-ECDSA-AES256-SHA384 ECDHE-RSA-AES256-SHA384 AES128-GCM-SHA256 AES256-GCM-SHA384 AES128-SHA AES256-SHA DES-CBC3-SHA ECDHE-PSK-AES128-CBC-SHA ECDHE-PSK-AES256-CBC-SHA PSK-AES128-CBC-SHA PSK-AES256-CBC-SHA'.split(' '),
);

/** Istio's rules for a server's TLS settings. */
export function checkServerTls(tls: ServerTLSSettings, report: Report): void {
  checkCiphers(tls.cipherSuites, report.at('cipherSuites'));
  if (tls.mode === 'ISTIO_MUTUAL') return checkIstioMutual(tls, report);
  const sources = [tls.credentialName !== '', tls.credentialNames.length > 0, tls.tlsCertificates.length > 0, tls.serverCertificate !== '' || tls.privateKey !== ''].filter(Boolean);
  if (sources.length > 1) report.error('The server’s certificates come from one place: credentialName, credentialNames, tlsCertificates or serverCertificate with privateKey.');
  if (tls.credentialNames.length > 2 || tls.tlsCertificates.length > 2) report.error('A server has at most two certificates: one RSA and one ECDSA.');
  if (passing.has(tls.mode)) {
    if (sources.length > 0 || tls.caCertificates !== '' || tls.caCrl !== '') report.warning(`Mode ${tls.mode} terminates nothing, so the certificates have no effect.`, 'Use SIMPLE or MUTUAL, or remove them.');
    return undefined;
  }
  if (tls.credentialName !== '' || tls.credentialNames.length > 0) return undefined;
  if (tls.mode === 'SIMPLE' && tls.caCrl !== '') report.at('caCrl').error('A revocation list is about client certificates, which mode SIMPLE does not ask for.');
  if (tls.tlsCertificates.length > 0) {
    each(tls.tlsCertificates, report.at('tlsCertificates'), (certificate, place) => {
      if (certificate.serverCertificate === '' || certificate.privateKey === '') place.error('Each certificate needs serverCertificate and privateKey.');
    });
  } else {
    if (tls.serverCertificate === '') report.at('serverCertificate').error(`Mode ${tls.mode} needs a server certificate.`, 'Write credentialName with the name of a Secret, or serverCertificate.');
    if (tls.privateKey === '') report.at('privateKey').error(`Mode ${tls.mode} needs the certificate’s private key.`);
  }
  const asks = tls.mode === 'MUTUAL' || tls.mode === 'OPTIONAL_MUTUAL';
  if (asks && tls.caCertificates === '' && tls.caCertCredentialName === '') report.at('caCertificates').error(`Mode ${tls.mode} needs the certificates of the clients’ authority.`, 'Write caCertificates.');
  return undefined;
}

function checkIstioMutual(tls: ServerTLSSettings, report: Report): void {
  for (const field of ['serverCertificate', 'privateKey', 'caCertificates', 'credentialName', 'caCertCredentialName'] as const) {
    if (tls[field] !== '') report.at(field).error(`Mode ISTIO_MUTUAL uses the mesh’s own certificates, so ${field} has no meaning.`);
  }
  if (tls.credentialNames.length + tls.tlsCertificates.length > 0) report.error('Mode ISTIO_MUTUAL uses the mesh’s own certificates.');
}

function checkCiphers(suites: readonly string[], report: Report): void {
  each(suites, report, (suite, place, index) => {
    if (!ciphers.has(suite)) place.warning(`${suite} is not a cipher suite that Envoy knows, so it is ignored.`);
    else if (suites.indexOf(suite) < index) place.warning(`${suite} is listed twice.`);
  });
}
