import { ofKind, readPlainYaml, type Resource } from '../../manifest/index.ts';
import { finding, type Analyzer } from '../analyzer.ts';

/** The label of a Secret that lets the control plane read another cluster; its keys are the clusters' ids. */
const remoteLabel = 'istio/multiCluster';
const ownRegistries = ['Kubernetes', 'External'];

/** Networks whose endpoints come from a registry that nobody knows, so that no endpoint is in them. Source: istio.io, IST0126. */
export const meshNetworks: Analyzer = {
  name: 'meshnetworks.MeshNetworksAnalyzer',
  codes: ['IST0126'],
  run: ({ resources, rootNamespace }) => {
    const maps = ofKind(resources, 'ConfigMap').filter(({ metadata }) => metadata.name === 'istio' && metadata.namespace === rootNamespace);
    const known = new Set([...ownRegistries, ...remoteClusters(resources)]);
    return maps.flatMap((map) => Object.entries(networksOf(map.spec.data['meshNetworks'])).flatMap(([network, { endpoints }]) =>
      registriesOf(endpoints).filter((name) => !known.has(name)).map((name) => finding(map, ['data', 'meshNetworks'], {
        code: 'IST0126', level: 'error', message: `The network ${network} takes endpoints from the registry ${name}, which does not exist.`, help: `Write a cluster’s id as its remote secret has it (a Secret with the label ${remoteLabel}: "true"), or one of ${ownRegistries.join(', ')}.`,
      })),
    ));
  },
};

function remoteClusters(resources: readonly Resource[]): readonly string[] {
  return ofKind(resources, 'Secret').filter(({ metadata }) => metadata.labels[remoteLabel] === 'true').flatMap(({ spec }) => [...Object.keys(spec.data), ...Object.keys(spec.stringData)]);
}

/** The networks of a text; none when it does not parse or says something else. */
function networksOf(text: string | undefined): Readonly<Record<string, { readonly endpoints?: unknown }>> {
  const value: unknown = text === undefined ? undefined : readPlainYaml(text);
  const networks = isMap(value) ? value['networks'] : undefined;
  return isMap(networks) ? Object.fromEntries(Object.entries(networks).map(([name, network]) => [name, isMap(network) ? network : {}])) : {};
}

function registriesOf(endpoints: unknown): readonly string[] {
  return (Array.isArray(endpoints) ? endpoints : []).flatMap((endpoint: unknown) => (isMap(endpoint) && typeof endpoint['fromRegistry'] === 'string' ? [endpoint['fromRegistry']] : []));
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
