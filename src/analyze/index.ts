import { meshConfigFrom, type MeshConfig } from '../compile/index.ts';
import { meshDocument, resourceName, type Diagnostic, type Resource } from '../manifest/index.ts';
import type { GatewayWorkload } from './analyzer.ts';
import { analyzers } from './analyzers/index.ts';
import { Registry } from './registry.ts';

export type { GatewayWorkload } from './analyzer.ts';

/** What is analyzed: resources that belong together, and how their mesh is set up. */
export interface AnalysisInput {
  readonly resources: readonly Resource[];
  readonly mesh?: Partial<Pick<MeshConfig, 'rootNamespace' | 'domainSuffix' | 'logProviders'>>;
  /** As for a cluster: also injection, webhooks and proxy images, and no gateway but those in the resources. */
  readonly cluster?: boolean;
  /** Runs only these, by Istio's names of them, e.g. `virtualservice.GatewayAnalyzer`. */
  readonly only?: readonly string[];
}

/** The ingress gateway that every lab has; it opens whatever port a Gateway asks for. */
const labGateways: readonly GatewayWorkload[] = [{ namespace: 'istio-system', labels: { app: 'istio-ingressgateway', istio: 'ingressgateway' } }];

/**
 * What will not work although it parses: each finding with Istio's code, at its line, with what to do about it.
 * Includes what {@link validate} says about each resource. Never throws, whatever the resources hold.
 */
export function analyze(input: AnalysisInput): readonly Diagnostic[] {
  const { resources, mesh = {}, cluster = false, only } = input;
  const domainSuffix = mesh.domainSuffix ?? 'cluster.local';
  const { exportTo } = meshConfigFrom(meshDocument(resources));
  const analysis = {
    resources, exportTo,
    registry: new Registry(resources, domainSuffix, exportTo.services),
    rootNamespace: mesh.rootNamespace ?? 'istio-system',
    domainSuffix,
    logProviders: mesh.logProviders ?? [],
    gateways: cluster ? [] : labGateways,
  };
  const found = analyzers.filter(({ name, cluster: forClusters }) => (forClusters !== true || cluster) && (only === undefined || only.includes(name))).flatMap(({ run }) => run(analysis));
  return unsuppressed(found, resources);
}

const suppress = 'galley.istio.io/analyze-suppress';

/** Findings without those that a resource's annotation asks not to hear of. */
function unsuppressed(found: readonly Diagnostic[], resources: readonly Resource[]): readonly Diagnostic[] {
  const silent = new Map(resources.flatMap((resource) => {
    const codes = resource.metadata.annotations[suppress];
    return codes === undefined ? [] : [[resourceName(resource), codes.split(',').map((code) => code.trim())] as const];
  }));
  if (silent.size === 0) return found;
  return found.filter(({ resource = '', code }) => silent.get(resource)?.some((one) => one === '*' || one === code) !== true);
}

/** The names of all analyses, and the codes that each can give. */
export function analyses(): readonly { readonly name: string; readonly codes: readonly string[] }[] {
  return [...new Set(analyzers.map(({ name }) => name))].map((name) => ({ name, codes: analyzers.filter((one) => one.name === name).flatMap(({ codes }) => codes) }));
}
