import type { DestinationRule, Resource, Subset, TrafficPolicy, TypedResource, VirtualService } from '../manifest/index.ts';
import type { Resolution } from '../features/service-entry/compile.ts';
import type { Origin } from '../xds/index.ts';
import type { PortProtocol } from './protocol.ts';

/** A port of a service. */
export interface MeshPort extends PortProtocol {
  readonly name: string;
  readonly number: number;
}

/** One address behind a service. */
export interface MeshEndpoint {
  /** An IP address, or a name for services that are resolved by DNS. */
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Target port by service port; ports that the endpoint does not serve are missing. */
  readonly ports: ReadonlyMap<number, number>;
  readonly ready: boolean;
  /** Its workload has a sidecar, so it can take mTLS. */
  readonly mesh: boolean;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly workload: string;
  /** The pod's name; empty for other endpoints. */
  readonly pod: string;
  /** `region/zone/subzone`, as far as it is known. */
  readonly locality: string;
  readonly weight: number;
}

/** A service of the registry, whichever kind declared it. Who stands behind it is another thing, which changes more often: only what looks at that is made anew then. */
export interface MeshService {
  readonly host: string;
  readonly name: string;
  readonly namespace: string;
  readonly registry: 'Kubernetes' | 'External';
  readonly ports: readonly MeshPort[];
  /** Virtual addresses or CIDR ranges; empty when there is none. */
  readonly addresses: readonly string[];
  readonly resolution: Resolution;
  readonly headless: boolean;
  /** Outside of the mesh: no mTLS. */
  readonly external: boolean;
  readonly exportTo: readonly string[];
  /** The ready endpoints of a headless service, which callers find by name and connect to by themselves; none of other services. */
  readonly named: readonly Pick<MeshEndpoint, 'address' | 'pod'>[];
  /** Further identities that its endpoints may have. */
  readonly subjectAltNames: readonly string[];
  readonly origin: Origin;
}

/** A service and who stands behind it. */
export interface Registered {
  readonly service: MeshService;
  readonly endpoints: readonly MeshEndpoint[];
}

/** A VirtualService with names resolved and delegates merged in. */
export interface MeshVirtualService {
  readonly resource: TypedResource<'VirtualService'>;
  readonly namespace: string;
  readonly hosts: readonly string[];
  /** `mesh` and `namespace/name`. */
  readonly gateways: readonly string[];
  readonly exportTo: readonly string[];
  readonly http: readonly MeshHttpRule[];
  readonly tls: VirtualService['tls'];
  readonly tcp: VirtualService['tcp'];
  /** It holds for whoever connects to the service's address, whatever host the request names: routes of the Gateway API for a Service. */
  readonly byAddress?: boolean;
}

/** A rule and the place where it is written, which is the delegate's file for delegated rules. */
export interface MeshHttpRule {
  readonly rule: VirtualService['http'][number];
  readonly origin: Origin;
  /** Set for rules of the Gateway API: prefixes are whole segments. */
  readonly gatewayApi?: {
    /** The answer where a backend was not found. */
    readonly missingStatus: 500 | 503;
    readonly redirectPath?: { readonly match: string; readonly rewrite: string };
  };
}

/** All DestinationRules of one host in one namespace, merged. */
export interface MeshDestinationRule {
  readonly host: string;
  readonly namespace: string;
  readonly exportTo: readonly string[];
  readonly workloadSelector: DestinationRule['workloadSelector'];
  readonly trafficPolicy: TrafficPolicy | undefined;
  readonly subsets: readonly MeshSubset[];
  readonly origin: Origin;
}

/** A subset and the line where it is written. */
export interface MeshSubset {
  readonly subset: Subset;
  readonly origin: Origin;
}

/** The origin of a field of a resource: its own line. */
export function originAt(resource: Resource, path: readonly (string | number)[]): Origin {
  const { line, column } = resource.locate(path);
  return { ...resource.origin, line, column };
}

/** Who something is exported to: what it says itself, else the mesh's default. */
export function exportsOf(written: readonly string[], byDefault: readonly string[]): readonly string[] {
  return written.length > 0 ? written : byDefault;
}

/** Whether something exported like this can be seen from a namespace. Nothing written means everywhere. */
export function exported(exportTo: readonly string[], from: string, to: string): boolean {
  return exportTo.length === 0 || exportTo.some((target) => target === '*' || target === to || (target === '.' && from === to));
}

/** Whether labels hold all that a selector asks for. */
export function selects(selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}

/** Oldest first: by creation time where it is written, else in the order of applying. `tie` orders those of the same written time. */
export function byAge<Kind extends Resource>(resources: readonly Kind[], tie: (a: Kind, b: Kind) => number = () => 0): readonly Kind[] {
  const unwritten = '9999';
  const time = ({ metadata }: Kind): string => metadata.creationTimestamp ?? unwritten;
  return [...resources].sort((a, b) => (time(a) < time(b) ? -1 : time(a) > time(b) ? 1 : time(a) === unwritten ? 0 : tie(a, b)));
}
