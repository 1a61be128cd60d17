import { exportsOf, hostsOverlap, resolveHost } from '../compile/index.ts';
import { ofKind, podTemplates, type PodTemplate, type Resource, type TypedResource } from '../manifest/index.ts';

/** Something that a host name can mean. */
export interface Target {
  readonly host: string;
  readonly namespace: string;
  readonly ports: readonly number[];
  readonly exportTo: readonly string[];
  readonly resource: Resource;
}

const exportAnnotation = 'networking.istio.io/exportTo';

/** The hosts that manifests define, and the pods behind them. */
export class Registry {
  readonly services: readonly TypedResource<'Service'>[];
  readonly templates: readonly PodTemplate[];
  readonly #exact = new Map<string, Target[]>();
  readonly #wildcards: Target[] = [];
  readonly #domainSuffix: string;

  /** `exported`: who sees services that do not say it themselves. */
  constructor(resources: readonly Resource[], domainSuffix: string, exported: readonly string[] = []) {
    this.#domainSuffix = domainSuffix;
    this.services = ofKind(resources, 'Service');
    this.templates = podTemplates(resources);
    for (const service of this.services) this.#add(serviceTarget(service, domainSuffix, exported));
    for (const entry of ofKind(resources, 'ServiceEntry')) {
      for (const host of entry.spec.hosts) {
        this.#add({ host: host.toLowerCase(), namespace: entry.metadata.namespace, ports: entry.spec.ports.map(({ number }) => number), exportTo: exportsOf(entry.spec.exportTo, exported), resource: entry });
      }
    }
  }

  /** The full name of a host as it is written in a namespace. */
  resolve(host: string, namespace: string): string {
    return resolveHost(host, namespace, this.#domainSuffix);
  }

  /** What a full host name means to a namespace; wildcards on either side count. */
  find(host: string, namespace: string): Target | undefined {
    const sees = (target: Target): boolean => visible(target, namespace);
    const exact = this.#exact.get(host)?.find(sees);
    return exact ?? this.#wildcards.find((target) => sees(target) && hostsOverlap(target.host, host));
  }

  /** What a full host name means to anyone. */
  findAnywhere(host: string): Target | undefined {
    return this.#exact.get(host)?.[0] ?? this.#wildcards.find((target) => hostsOverlap(target.host, host));
  }

  /** Whether a wildcard holds any host that there is. */
  any(wildcard: string): boolean {
    return wildcard.startsWith('*') && [...this.#exact.keys()].some((host) => hostsOverlap(wildcard, host));
  }

  /** The pod templates that a service selects. */
  podsOf(service: TypedResource<'Service'>): readonly PodTemplate[] {
    const selector = Object.entries(service.spec.selector);
    if (selector.length === 0) return [];
    return this.templates.filter(({ namespace, labels }) => namespace === service.metadata.namespace && selector.every(([name, value]) => labels[name] === value));
  }

  #add(target: Target): void {
    if (target.host.startsWith('*')) this.#wildcards.push(target);
    else {
      const known = this.#exact.get(target.host);
      if (known === undefined) this.#exact.set(target.host, [target]);
      else known.push(target);
    }
  }
}

function serviceTarget(service: TypedResource<'Service'>, domainSuffix: string, byDefault: readonly string[]): Target {
  const { name, namespace, annotations } = service.metadata;
  const exportTo = (annotations[exportAnnotation] ?? '').split(',').map((word) => word.trim()).filter((word) => word !== '');
  return { host: resolveHost(name, namespace, domainSuffix), namespace, ports: service.spec.ports.map(({ port }) => port), exportTo: exportsOf(exportTo, byDefault), resource: service };
}

/** Whether a namespace may see something that another exports. Nothing said means everybody. */
export function visible({ exportTo, namespace }: Pick<Target, 'exportTo' | 'namespace'>, to: string): boolean {
  return exportTo.length === 0 || exportTo.some((name) => name === '*' || name === to || (name === '.' && namespace === to));
}
