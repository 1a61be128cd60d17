import { z } from 'zod';
import { LabelsSelector, Text, TextList, TextMap, UInt32, protoEnum } from '../../util/manifest-fields.ts';
import { atMostOne, forList, forMap, forText, has, isPort, keys, length, required, ruled, uniqueBy, type Rule } from '../../util/manifest-rules.ts';

const socket = 'unix://';
const isSocketPath: Rule = forText((address) => {
  if (!address.startsWith(socket)) return undefined;
  if (!['/', '@'].includes(address[socket.length] ?? '')) return 'must have an absolute path after unix://, or an abstract name that begins with @';
  return address.endsWith('/') ? 'names a folder, not a socket' : undefined;
});
const portName = (name: string): string | undefined => (name.length < 63 && /^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$/.test(name) ? undefined : `has the key “${name}”, which is not a port’s name`);
const noPortsOnSockets: Rule = forMap((entry) => (String(entry['address'] ?? '').startsWith(socket) && has(entry, 'ports') ? 'may not have ports, because its address is a unix socket' : undefined));
/** An endpoint of the service itself, not of a group’s template, has somewhere to go. */
const hasAddress: Rule = forMap((entry) => (has(entry, 'address') || has(entry, 'network') ? undefined : 'must have an address or a network'));

const entry = z.object({
  address: ruled(Text, length({ max: 256 }), isSocketPath),
  ports: ruled(z.record(z.string(), ruled(UInt32, isPort)).default({}), keys(portName), length({ max: 128 })),
  labels: ruled(TextMap, length({ max: 256 })),
  network: ruled(Text, length({ max: 2048 })),
  locality: ruled(Text, length({ max: 2048 })),
  weight: UInt32.default(0),
  serviceAccount: ruled(Text, length({ max: 253 })),
});

/** What the entries of a WorkloadGroup have in common; the address comes later. */
export const WorkloadTemplate = ruled(entry, noPortsOnSockets);
/** An endpoint outside of Kubernetes. Source: istio.io, WorkloadEntry. */
export const WorkloadEntry = ruled(entry, noPortsOnSockets, hasAddress);
export type WorkloadEntry = z.output<typeof WorkloadEntry>;

/** A port of a ServiceEntry; `targetPort` 0 is `number`. */
export const ServicePort = ruled(
  z.object({ number: ruled(UInt32, isPort).default(0), protocol: ruled(Text, length({ max: 256 })), name: ruled(Text, length({ max: 256 })), targetPort: ruled(UInt32, isPort).default(0) }),
  required('number', 'name'),
);
export type ServicePort = z.output<typeof ServicePort>;

type Written = Readonly<Record<string, unknown>>;
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const resolutionFits: Rule = forMap((spec: Written) => {
  const resolution = spec['resolution'] ?? 'NONE';
  if (resolution !== 'NONE' && resolution !== 'STATIC' && list(spec['addresses']).some((address) => String(address).includes('/'))) return 'may have subnets as addresses only with resolution NONE or STATIC';
  if (resolution === 'NONE' && has(spec, 'endpoints')) return 'may not have endpoints with resolution NONE: the caller’s own address is used';
  return resolution === 'DNS_ROUND_ROBIN' && list(spec['endpoints']).length > 1 ? 'may have only one endpoint with resolution DNS_ROUND_ROBIN' : undefined;
});
const numbersDiffer: Rule = forList((ports) => {
  const numbers = ports.map((port) => (port as Written | null)?.['number']);
  const twice = numbers.find((number, index) => number !== undefined && numbers.indexOf(number) < index);
  return twice === undefined ? undefined : `has port ${String(twice)} twice`;
});

/** A service that Kubernetes does not know. Source: istio.io, ServiceEntry. */
export const ServiceEntry = ruled(
  z.object({
    hosts: ruled(z.array(ruled(z.string(), forText((host) => (host === '*' ? 'would stand for every name there is' : undefined)))).default([]), length({ min: 1, max: 256 })),
    addresses: ruled(z.array(ruled(z.string(), length({ max: 64 }))).default([]), length({ max: 256 })),
    ports: ruled(z.array(ServicePort).default([]), length({ max: 256 }), uniqueBy('name'), numbersDiffer),
    location: protoEnum(['MESH_EXTERNAL', 'MESH_INTERNAL']),
    resolution: protoEnum(['NONE', 'STATIC', 'DNS', 'DNS_ROUND_ROBIN', 'DYNAMIC_DNS']),
    endpoints: ruled(z.array(WorkloadEntry).default([]), length({ max: 4096 })),
    workloadSelector: LabelsSelector.exactOptional(),
    exportTo: TextList,
    subjectAltNames: TextList,
  }),
  required('hosts'),
  atMostOne('workloadSelector', 'endpoints'),
  resolutionFits,
);
export type ServiceEntry = z.output<typeof ServiceEntry>;
