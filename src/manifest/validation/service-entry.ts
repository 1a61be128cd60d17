import type { ServiceEntry, WorkloadEntry } from '../../features/service-entry/manifest.ts';
import type { TypedResource } from '../guards.ts';
import { isProtocol } from './gateway.ts';
import { checkLabels, checkPort, checkSelector, checkSocket, domainFault, isIp, isLabel, isSubnet, wildcardDomainFault } from './names.ts';
import { each, type Report } from './report.ts';
import { checkExportTo } from './shared.ts';

/** Istio's admission rules for a ServiceEntry. */
export function validateServiceEntry(resource: TypedResource<'ServiceEntry'>, report: Report): void {
  const { spec } = resource;
  if (spec.hosts.length === 0) report.error('The ServiceEntry has no hosts.', 'Write hosts.');
  each(spec.hosts, report.at('hosts'), (host, place) => {
    const fault = wildcardDomainFault(host);
    if (host === '*') place.error('The host “*” would stand for every name there is.', 'Use *.example.com.');
    else if (fault !== undefined) place.error(`The host “${host}” ${fault}.`);
    else if (host.startsWith('*') && !host.startsWith('*.')) place.warning(`In “${host}” the * is only a part of a label, which gateways and Sidecars do not match.`, 'Write *.example.com.');
  });
  each(spec.addresses, report.at('addresses'), (address, place) => {
    if (!isSubnet(address)) place.error(`“${address}” is neither an address nor a subnet.`);
    else if (address.includes('/') && (spec.resolution === 'DNS' || spec.resolution === 'DNS_ROUND_ROBIN')) place.error('Subnets are only possible with resolution NONE or STATIC.');
  });
  checkPorts(spec, report.at('ports'));
  checkWorkloads(spec, report);
  checkResolution(resource, report);
  checkExportTo(spec.exportTo, resource.metadata.namespace, report.at('exportTo'), { none: true });
  checkAddresses(spec, report);
}

function checkPorts({ ports, workloadSelector }: ServiceEntry, report: Report): void {
  const names = new Set<string>();
  const numbers = new Set<number>();
  each(ports, report, (port, place) => {
    if (names.has(port.name)) place.at('name').error(`The port name “${port.name}” is used twice.`);
    if (numbers.has(port.number)) place.at('number').error(`Port ${port.number} is listed twice.`);
    names.add(port.name);
    numbers.add(port.number);
    checkPort(port.number, place.at('number'));
    if (port.targetPort !== 0) checkPort(port.targetPort, place.at('targetPort'));
    if (!isLabel(port.name)) place.at('name').error(port.name === '' ? 'The port has no name.' : `“${port.name}” is not a port name.`);
    if (port.protocol !== '' && !isProtocol(port.protocol)) place.at('protocol').error(`“${port.protocol}” is not a protocol that Istio knows.`);
    if (workloadSelector !== undefined && port.targetPort !== 0 && port.targetPort !== port.number) place.at('targetPort').warning('With a workloadSelector, the pods’ own port is used and targetPort may be ignored.');
  });
}

function checkWorkloads(spec: ServiceEntry, report: Report): void {
  if (spec.workloadSelector !== undefined) {
    const place = report.at('workloadSelector');
    if (spec.endpoints.length > 0) place.error('Endpoints come from workloadSelector or from endpoints, not both.');
    checkSelector(spec.workloadSelector.labels, place.at('labels'));
    const sound = !Object.hasOwn(spec.workloadSelector.labels, '');
    if (spec.resolution === 'NONE' && sound) place.warning('With resolution NONE the caller’s own address is used, so the workloadSelector has no effect.', 'Use resolution STATIC.');
  }
  const names = new Set(spec.ports.map(({ name }) => name));
  if (spec.ports.length !== 1 && spec.resolution === 'STATIC' && spec.endpoints.some(({ address }) => address.startsWith('unix://'))) report.at('ports').error('A unix socket is one port, so the ServiceEntry needs exactly one.');
  each(spec.endpoints, report.at('endpoints'), (endpoint, place) => {
    checkEndpoint(endpoint, place, spec.resolution);
    for (const name of Object.keys(endpoint.ports)) if (!names.has(name)) place.at('ports', name).error(`The ServiceEntry has no port “${name}”.`);
  });
}

function checkEndpoint(endpoint: WorkloadEntry, report: Report, resolution: ServiceEntry['resolution']): void {
  const { address, ports, labels } = endpoint;
  if (address.startsWith('unix://')) {
    if (resolution !== 'STATIC') report.at('address').error('A unix socket needs resolution STATIC.');
    if (Object.keys(ports).length > 0) report.at('ports').error('A unix socket has no ports.');
    checkSocket(address, report.at('address'));
  } else if (resolution === 'STATIC') {
    if (!isIp(address) && !(address === '' && endpoint.network !== '')) report.at('address').error(`With resolution STATIC an endpoint’s address must be an IP address, not “${address}”.`);
  } else if (!isIp(address) && domainFault(address) !== undefined && !(address === '' && endpoint.network !== '')) report.at('address').error(`The address “${address}” is neither a name nor an IP address.`);
  for (const [name, port] of Object.entries(ports)) checkPort(port, report.at('ports', name));
  checkLabels(labels, report.at('labels'));
}

function checkResolution(resource: TypedResource<'ServiceEntry'>, report: Report): void {
  const { spec, metadata } = resource;
  const { resolution, endpoints, hosts, ports } = spec;
  if (resolution === 'NONE' && endpoints.length > 0) report.at('endpoints').error('With resolution NONE the caller’s own address is used, so there can be no endpoints.', 'Use resolution STATIC or DNS.');
  if (resolution === 'DNS_ROUND_ROBIN' && endpoints.length > 1) report.at('endpoints').error('DNS_ROUND_ROBIN takes one endpoint at most.');
  if ((resolution === 'DNS' || resolution === 'DNS_ROUND_ROBIN') && endpoints.length === 0 && spec.workloadSelector === undefined) {
    each(hosts, report.at('hosts'), (host, place) => {
      if (host.startsWith('*')) place.error(`“${host}” cannot be resolved by DNS.`, 'Name endpoints, or use resolution NONE or DYNAMIC_DNS.');
    });
  }
  if (resolution !== 'DYNAMIC_DNS') return;
  if (endpoints.length > 0) report.at('endpoints').error('DYNAMIC_DNS resolves the name that the caller asks for, so there can be no endpoints.');
  if (spec.addresses.length > 0) report.at('addresses').error('DYNAMIC_DNS resolves the name that the caller asks for, so there can be no addresses.');
  each(hosts, report.at('hosts'), (host, place) => {
    if (!host.startsWith('*.')) place.error(`DYNAMIC_DNS is for wildcard hosts, not “${host}”.`, 'Use resolution DNS.');
  });
  each(ports, report.at('ports'), (port, place) => {
    if (!['HTTP', 'HTTP2', 'GRPC', 'GRPC-WEB', 'HTTPS', 'TLS'].includes(port.protocol.toUpperCase())) place.at('protocol').error('DYNAMIC_DNS needs a protocol that names its host: HTTP, HTTP2, GRPC, HTTPS or TLS.');
  });
  if (spec.location === 'MESH_INTERNAL' && metadata.labels['istio.io/use-waypoint'] !== undefined) report.at('location').error('DYNAMIC_DNS behind a waypoint is for external hosts only.');
}

function checkAddresses(spec: ServiceEntry, report: Report): void {
  if (spec.addresses.length > 0 && spec.hosts.length > 1 && spec.ports.some(({ protocol }) => ['HTTPS', 'TLS', 'TCP', ''].includes(protocol.toUpperCase()))) {
    return report.at('addresses').warning('Several hosts share these addresses, so connections that are not HTTP cannot be told apart.', 'Write one ServiceEntry per host.');
  }
  if (spec.addresses.length > 0 || spec.resolution !== 'NONE') return undefined;
  each(spec.ports, report.at('ports'), (port, place) => {
    if (port.protocol === '' || port.protocol.toUpperCase() === 'TCP') place.warning(`Port ${port.number} is plain TCP and the ServiceEntry has no addresses, so it would take all traffic to that port.`, 'Write addresses, or another protocol.');
  });
  return undefined;
}

/** Istio's admission rules for a WorkloadEntry. */
export function validateWorkloadEntry(resource: TypedResource<'WorkloadEntry'>, report: Report): void {
  const { spec } = resource;
  if (spec.address === '' && spec.network === '') report.at('address').error('The WorkloadEntry has no address.');
  else if (spec.address.startsWith('unix://')) {
    checkSocket(spec.address, report.at('address'));
    if (Object.keys(spec.ports).length > 0) report.at('ports').error('A unix socket has no ports.');
  } else if (spec.address !== '' && !isIp(spec.address) && domainFault(spec.address) !== undefined) report.at('address').error(`The address “${spec.address}” is neither a name nor an IP address.`);
  for (const [name, port] of Object.entries(spec.ports)) {
    if (!isLabel(name)) report.at('ports', name).error(`“${name}” is not a port name.`);
    checkPort(port, report.at('ports', name));
  }
  checkLabels(spec.labels, report.at('labels'));
}
