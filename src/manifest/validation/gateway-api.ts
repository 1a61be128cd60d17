import type { KubernetesGateway, Listener, ParentReference, TCPRoute, TLSRoute } from '../kinds/gateway-api.ts';
import type { TypedResource } from '../guards.ts';
import { isIp } from './names.ts';
import { each, type Report } from './report.ts';

/** The rules of the Gateway API's CRDs for a Gateway, beyond its shape. */
export function validateKubernetesGateway({ spec }: TypedResource<'KubernetesGateway'>, report: Report): void {
  if (spec.gatewayClassName === '') report.at('gatewayClassName').error('The Gateway has no class.', 'Write gatewayClassName: istio.');
  const listeners = report.at('listeners');
  if (spec.listeners.length === 0) listeners.error('The Gateway has no listeners, so it opens no port.', 'Write listeners.');
  if (spec.listeners.length > 64) listeners.error('A Gateway has at most 64 listeners.');
  each(spec.listeners, listeners, (listener, place, at) => {
    checkListener(listener, place);
    const earlier = spec.listeners.slice(0, at);
    if (earlier.some(({ name }) => name === listener.name)) place.at('name').error(`The listener name “${listener.name}” is used twice.`);
    if (earlier.some(({ port, protocol, hostname }) => port === listener.port && protocol === listener.protocol && hostname === listener.hostname)) place.error('Another listener has the same port, protocol and hostname.', 'Give them different hostnames.');
  });
  checkAddresses(spec, report.at('addresses'));
  const perPort = spec.tls?.frontend?.perPort ?? [];
  each(perPort, report.at('tls', 'frontend', 'perPort'), ({ port }, place, at) => {
    if (perPort.slice(0, at).some((other) => other.port === port)) place.at('port').error(`Port ${port} is written twice.`);
  });
}

function checkListener({ name, port, protocol, hostname, tls }: Listener, report: Report): void {
  if (!isSectionName(name)) report.at('name').error(`“${name}” is not a name that a listener can have.`, 'Use lower-case letters, digits, dashes and dots.');
  checkPort(port, report.at('port'));
  if (protocol === '') report.at('protocol').error('The listener has no protocol.', 'Write HTTP, HTTPS, TLS or TCP.');
  if (hostname !== '' && !isHostname(hostname)) report.at('hostname').error(`“${hostname}” is not a host name.`, 'Write a name like example.com or *.example.com.');
  if (['HTTP', 'TCP', 'UDP'].includes(protocol) && tls !== undefined) report.at('tls').error(`TLS settings have no meaning for protocol ${protocol}.`, 'Use HTTPS or TLS.');
  if (['TCP', 'UDP'].includes(protocol) && hostname !== '') report.at('hostname').error(`Protocol ${protocol} carries no host names.`);
  if (protocol === 'HTTPS' && tls?.mode === 'Passthrough') report.at('tls', 'mode').error('HTTPS has to be terminated.', 'Use protocol TLS to let it pass.');
  if (protocol === 'TLS' && tls === undefined) report.error('A TLS listener has to say whether it terminates TLS.', 'Write tls.mode.');
  if (tls?.mode === 'Terminate' && tls.certificateRefs.length === 0 && Object.keys(tls.options).length === 0) report.at('tls').error('TLS is terminated without a certificate.', 'Write certificateRefs.');
}

function checkAddresses({ addresses }: KubernetesGateway, report: Report): void {
  if (addresses.length > 16) report.error('A Gateway has at most 16 addresses.');
  each(addresses, report, ({ type, value }, place, at) => {
    if (addresses.slice(0, at).some((other) => other.type === type && other.value === value && value !== '' && (type === 'IPAddress' || type === 'Hostname'))) place.error(`The address ${value} is written twice.`);
    if (type === 'IPAddress' && value !== '' && !isIp(value)) place.at('value').error(`“${value}” is not an IP address.`);
    if (type === 'Hostname' && value !== '' && !isHostname(value)) place.at('value').error(`“${value}” is not a host name.`);
  });
}

/** What all routes share: parents that differ, and host names. */
export function checkRoute(spec: { readonly parentRefs: readonly ParentReference[]; readonly hostnames?: readonly string[] }, report: Report): void {
  if (spec.parentRefs.length > 32) report.at('parentRefs').error('A route has at most 32 parents.');
  each(spec.parentRefs, report.at('parentRefs'), (parent, place, at) => {
    if (parent.name === '') place.at('name').error('The parent has no name.');
    if (parent.port !== undefined) checkPort(parent.port, place.at('port'));
    const same = spec.parentRefs.slice(0, at).filter((other) => other.group === parent.group && other.kind === parent.kind && other.namespace === parent.namespace && other.name === parent.name);
    if (same.some(({ sectionName }) => sectionName === parent.sectionName)) place.error('The same parent is written twice.', 'Name different sections.');
    else if (same.some((other) => (other.sectionName === '') !== (parent.sectionName === ''))) place.error('Where one reference to a parent names a section, all have to.', 'Write sectionName.');
  });
  each(spec.hostnames ?? [], report.at('hostnames'), (name, place) => {
    if (!isHostname(name)) place.error(`“${name}” is not a host name.`, 'Write a name like example.com or *.example.com.');
  });
}

/** The rules for routes of connections. */
export function validateConnectionRoute({ spec, kind, apiVersion }: TypedResource<'TCPRoute' | 'TLSRoute'>, report: Report): void {
  checkRoute(spec as TLSRoute, report);
  const { rules } = spec as TCPRoute;
  if (rules.length === 0) report.at('rules').error('The route has no rule.', 'Write rules with backendRefs.');
  if (rules.length > 1 && apiVersion === 'gateway.networking.k8s.io/v1') report.at('rules').error('A route for connections has one rule.');
  if (kind === 'TLSRoute' && apiVersion === 'gateway.networking.k8s.io/v1' && (spec as TLSRoute).hostnames.length === 0) report.error('The route has no hostnames, so no server name is its own.', 'Write hostnames.');
  each(rules, report.at('rules'), ({ backendRefs }, place) => {
    if (backendRefs.length === 0) place.at('backendRefs').error('The rule has no backend.', 'Write backendRefs.');
    each(backendRefs, place.at('backendRefs'), checkBackend);
  });
}

/** A backend: a Service needs a port, and weights go up to a million. */
export function checkBackend({ group, kind, name, port, weight }: { readonly group: string; readonly kind: string; readonly name: string; readonly port?: number; readonly weight: number }, report: Report): void {
  if (name === '') report.at('name').error('The backend has no name.');
  if (group === '' && kind === 'Service' && port === undefined) report.error('A Service as backend needs a port.', 'Write port.');
  if (port !== undefined) checkPort(port, report.at('port'));
  if (weight < 0 || weight > 1_000_000) report.at('weight').error('A weight is from 0 to 1000000.');
}

/** A port number. */
function checkPort(port: number, report: Report): void {
  if (port < 1 || port > 65_535) report.error(`${port} is not a port.`, 'Use 1 to 65535.');
}

function isSectionName(name: string): boolean {
  return name.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name);
}

/** A host name, or one with a whole label of `*` in front; addresses are none. */
export function isHostname(name: string): boolean {
  return name.length <= 253 && /^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name) && !/^\d+(\.\d+){3}$/.test(name);
}

/** The rules for a BackendTLSPolicy: one kind of authority, and each name of its type. */
export function validateBackendTLSPolicy({ spec }: TypedResource<'BackendTLSPolicy'>, report: Report): void {
  const { caCertificateRefs, wellKnownCACertificates, hostname, subjectAltNames } = spec.validation;
  const place = report.at('validation');
  if (spec.targetRefs.length === 0) report.at('targetRefs').error('The policy is for no Service.', 'Write targetRefs.');
  if (spec.targetRefs.length > 16) report.at('targetRefs').error('A policy has at most 16 targets.');
  each(spec.targetRefs, report.at('targetRefs'), ({ group, kind, name, sectionName }, target, at) => {
    const same = spec.targetRefs.slice(0, at).filter((other) => other.group === group && other.kind === kind && other.name === name);
    if (same.some((other) => other.sectionName === sectionName)) target.error('The same target is written twice.', 'Name different ports in sectionName.');
    else if (same.some((other) => (other.sectionName === '') !== (sectionName === ''))) target.error('Where one reference to a target names a port, all have to.', 'Write sectionName.');
  });
  if (caCertificateRefs.length > 8) place.at('caCertificateRefs').error('A policy names at most 8 bundles of authorities.');
  if (subjectAltNames.length > 5) place.at('subjectAltNames').error('A policy names at most 5 names.');
  if (caCertificateRefs.length > 0 && wellKnownCACertificates !== '') place.error('Either caCertificateRefs or wellKnownCACertificates, not both.');
  if (caCertificateRefs.length === 0 && wellKnownCACertificates === '') place.error('The policy names no authority.', 'Write caCertificateRefs, or wellKnownCACertificates: System.');
  if (!isHostname(hostname) || hostname.startsWith('*')) place.at('hostname').error(`“${hostname}” is not a host name.`);
  each(subjectAltNames, place.at('subjectAltNames'), ({ type, hostname: name, uri }, entry) => {
    if (type === 'Hostname' ? name === '' || uri !== '' : uri === '' || name !== '') entry.error(`A name of type ${type} has ${type === 'Hostname' ? 'hostname' : 'uri'} and nothing else.`);
  });
}
