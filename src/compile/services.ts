import { resolutionOf } from '../features/service-entry/compile.ts';
import { collectorAnnotation, ofKind, type Service, type TypedResource } from '../manifest/index.ts';
import { endpointsOfEntry, endpointsOfService, type EndpointSources } from './endpoints.ts';
import { byAge, exportsOf, type MeshPort, type MeshService, type Registered } from './model.ts';
import { parseProtocol, servicePortProtocol } from './protocol.ts';
import type { MeshSnapshot } from './types.ts';

const exportToAnnotation = 'networking.istio.io/exportTo';

/** All services of the registry, oldest first; Kubernetes' before those of ServiceEntries. */
export function meshServices(snapshot: MeshSnapshot, sources: EndpointSources): readonly Registered[] {
  const kubernetes = byAge(ofKind(snapshot.resources, 'Service')).map((resource) => kubernetesService(snapshot, sources, resource));
  const entries = byAge(ofKind(snapshot.resources, 'ServiceEntry')).flatMap((resource) => entryServices(snapshot, sources, resource));
  return [...kubernetes, ...entries];
}

function kubernetesService(snapshot: MeshSnapshot, sources: EndpointSources, resource: TypedResource<'Service'>): Registered {
  const { spec, metadata } = resource;
  const headless = spec.clusterIP === 'None' || spec.clusterIPs[0] === 'None';
  const external = spec.type === 'ExternalName';
  const collector = metadata.annotations[collectorAnnotation] === 'true';
  const endpoints = endpointsOfService(sources, resource);
  const service: MeshService = {
    host: `${metadata.name}.${metadata.namespace}.svc.${snapshot.mesh.domainSuffix}`.toLowerCase(),
    name: metadata.name,
    namespace: metadata.namespace,
    registry: 'Kubernetes',
    ports: spec.ports.map((port) => ({ name: port.name, number: port.port, ...servicePortProtocol(port) })),
    // In a cluster, DNS leads to the host outside; in a lab, the sidecar's DNS has an address of the mesh for it.
    addresses: headless || (external && snapshot.withoutKubeProxy !== true) ? [] : serviceAddress(snapshot, spec, `${metadata.namespace}/${metadata.name}`),
    resolution: external || collector ? 'dns' : headless ? 'original-destination' : 'endpoints',
    headless,
    external: external || collector,
    exportTo: exportsOf((metadata.annotations[exportToAnnotation] ?? '').split(',').map((target) => target.trim()).filter((target) => target !== ''), snapshot.mesh.exportTo.services),
    named: headless ? endpoints.filter(({ ready }) => ready).map(({ address, pod }) => ({ address, pod })) : [],
    subjectAltNames: [],
    origin: resource.origin,
  };
  return { service, endpoints };
}

function serviceAddress(snapshot: MeshSnapshot, spec: Service, key: string): readonly string[] {
  const address = snapshot.virtualIps.get(key) ?? spec.clusterIP;
  return address === '' ? [] : [address];
}

/** A ServiceEntry is one service per host. */
function entryServices(snapshot: MeshSnapshot, sources: EndpointSources, resource: TypedResource<'ServiceEntry'>): readonly Registered[] {
  const { spec, metadata } = resource;
  const ports: readonly MeshPort[] = spec.ports.map((port) => ({ name: port.name, number: port.number, ...parseProtocol(port.protocol === '' ? (port.name.split('-')[0] ?? '') : port.protocol) }));
  return spec.hosts.map((written): Registered => {
    const host = written.toLowerCase();
    const allocated = snapshot.virtualIps.get(host);
    const service: MeshService = {
      host, ports, name: host, namespace: metadata.namespace, registry: 'External',
      addresses: spec.addresses.length > 0 ? spec.addresses.map(withoutSinglePrefix) : allocated === undefined ? [] : [allocated],
      resolution: resolutionOf(spec),
      headless: false,
      external: spec.location === 'MESH_EXTERNAL',
      exportTo: exportsOf(spec.exportTo, snapshot.mesh.exportTo.services),
      named: [],
      subjectAltNames: spec.subjectAltNames,
      origin: resource.origin,
    };
    return { service, endpoints: endpointsOfEntry(sources, resource, host) };
  });
}

/** `10.0.0.1/32` is an address like any other. */
function withoutSinglePrefix(address: string): string {
  return address.includes(':') ? address.replace(/\/128$/, '') : address.replace(/\/32$/, '');
}
