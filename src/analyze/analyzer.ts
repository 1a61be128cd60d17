import type { MeshConfig } from '../compile/index.ts';
import { at, type Diagnostic, type Resource } from '../manifest/index.ts';
import type { Registry } from './registry.ts';

/** What an analyzer looks at. */
export interface Analysis {
  readonly resources: readonly Resource[];
  /** Services and hosts, and who may see them. */
  readonly registry: Registry;
  readonly rootNamespace: string;
  readonly domainSuffix: string;
  /** Who sees resources that do not say it themselves. */
  readonly exportTo: MeshConfig['exportTo'];
  /** Who gets access logs where nobody is named: `meshConfig.defaultProviders.accessLogging`. */
  readonly logProviders: readonly string[];
  /** Gateway workloads that run without a manifest. */
  readonly gateways: readonly GatewayWorkload[];
}

/** A gateway that the environment brings along: the lab's own ingress gateway serves any port. */
export interface GatewayWorkload {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** One analysis, named as Istio names it. */
export interface Analyzer {
  readonly name: string;
  readonly codes: readonly string[];
  /** Only means something in a cluster, where injection, webhooks and Istio’s own pods are people's business. */
  readonly cluster?: true;
  readonly run: (analysis: Analysis) => readonly Diagnostic[];
}

/** What a finding says. */
export type Finding = Pick<Diagnostic, 'code' | 'level' | 'message'> & { readonly help?: string };

/** A finding at a field of a resource. */
export function finding(resource: Resource, path: readonly (string | number)[], what: Finding): Diagnostic {
  return { ...what, ...at(resource, path) };
}

/** Kubernetes' own namespaces, whose contents are nobody's mistake. */
export const systemNamespaces: ReadonlySet<string> = new Set(['kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage']);

/** Whether labels have everything that a selector asks for. An empty selector selects nothing. */
export function selects(selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean {
  const wanted = Object.entries(selector);
  return wanted.length > 0 && wanted.every(([name, value]) => labels[name] === value);
}

/** Groups by a key, in the order of first appearance. */
export function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): ReadonlyMap<string, readonly Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
