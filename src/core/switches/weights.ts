import type { SwitchAction, Switches } from '../../contract/index.ts';
import type { SourceFile } from '../../manifest/index.ts';
import { addResource, editDocument, madeBySwitch, places, type Place } from './documents.ts';
import { destinationRuleFor, fullHost, isRecordArray, namespaceOf, strings, virtualServiceFor } from './hosts.ts';

type Weights = Extract<SwitchAction, { kind: 'weights' }>;

interface Subset { readonly name: string; readonly labels?: Readonly<Record<string, string>> }
interface Destination { readonly destination?: { readonly host?: string; readonly subset?: string }; readonly weight?: number }

/** Splits a service's traffic over its versions: subsets in its DestinationRule, weights on its VirtualService's last route. */
export function setWeights(files: readonly SourceFile[], action: Weights): readonly SourceFile[] {
  const { files: withSubsets, subsetOf } = ensureSubsets(files, action);
  const place = virtualServiceFor(places(withSubsets), action.host);
  const route = Object.entries(action.weights).filter(([, weight]) => weight > 0).map(([version, weight]) => ({ destination: { host: hostIn(place, action), subset: subsetOf(version) }, weight }));
  if (route.length === 1) for (const only of route) delete (only as { weight?: number }).weight;
  if (place === undefined) return addResource(withSubsets, newVirtualService(action, route));
  const http = place.body.spec?.['http'] as readonly Readonly<Record<string, unknown>>[];
  const index = http.findLastIndex((candidate) => candidate['match'] === undefined);
  return editDocument(withSubsets, place, (document) => {
    const at = [...place.path, 'spec', 'http'];
    if (index === -1) document.addIn(at, document.createNode({ route }));
    else document.setIn([...at, index, 'route'], document.createNode(route));
  });
}

/** The weights that the manifests say now, by version; services without a split are left out. */
export function currentWeights(all: readonly Place[]): Switches['weights'] {
  return all.filter(({ body }) => body.kind === 'VirtualService').flatMap((place) => {
    const namespace = namespaceOf(place.body);
    return strings(place.body.spec?.['hosts']).map((host) => fullHost(host, namespace)).flatMap((host) => {
      const http = place.body.spec?.['http'];
      const route = isRecordArray(http) ? http.findLast((candidate) => candidate['match'] === undefined)?.['route'] : undefined;
      if (!isRecordArray(route) || route.some((part) => (part as Destination).destination?.subset === undefined)) return [];
      const rule = destinationRuleFor(all, host);
      const subsets = subsetsOf(rule);
      const weights = route.map((part) => part as Destination).map(({ destination, weight }) => [
        subsets.find((subset) => subset.name === destination?.subset)?.labels?.['version'] ?? destination?.subset ?? '', weight ?? (route.length === 1 ? 100 : 0)] as const);
      return [{ host, namespace, weights: Object.fromEntries(weights) }];
    });
  });
}

/** A subset for each version, in the DestinationRule that is there or in a new one. */
function ensureSubsets(files: readonly SourceFile[], action: Weights): { files: readonly SourceFile[]; subsetOf: (version: string) => string } {
  const place = destinationRuleFor(places(files), action.host);
  const subsets = subsetsOf(place);
  const nameOf = (version: string): string => subsets.find((subset) => subset.labels?.['version'] === version)?.name ?? version;
  const missing = Object.keys(action.weights).filter((version) => !subsets.some((subset) => subset.labels?.['version'] === version));
  if (missing.length === 0) return { files, subsetOf: nameOf };
  const added = missing.map((version) => ({ name: version, labels: { version } }));
  if (place === undefined) return { files: addResource(files, newDestinationRule(action, added)), subsetOf: nameOf };
  const edited = editDocument(files, place, (document) => {
    const at = [...place.path, 'spec', 'subsets'];
    if (subsets.length === 0) document.setIn(at, document.createNode(added));
    else for (const subset of added) document.addIn(at, document.createNode(subset));
  });
  return { files: edited, subsetOf: nameOf };
}

function subsetsOf(place: Place | undefined): readonly Subset[] {
  const subsets = place?.body.spec?.['subsets'];
  return isRecordArray(subsets) ? (subsets as readonly unknown[] as readonly Subset[]) : [];
}

/** The host as the VirtualService spells it, so that an edit reads like the rest of the file. */
function hostIn(place: Place | undefined, action: Weights): string {
  if (place === undefined) return action.host;
  return strings(place.body.spec?.['hosts']).find((host) => fullHost(host, namespaceOf(place.body)) === action.host) ?? action.host;
}

function newVirtualService(action: Weights, route: readonly object[]): object {
  return {
    apiVersion: 'networking.istio.io/v1', kind: 'VirtualService',
    metadata: { name: action.host.split('.')[0], namespace: action.namespace, labels: madeBySwitch },
    spec: { hosts: [action.host], http: [{ route }] },
  };
}

function newDestinationRule(action: Weights, subsets: readonly object[]): object {
  return {
    apiVersion: 'networking.istio.io/v1', kind: 'DestinationRule',
    metadata: { name: action.host.split('.')[0], namespace: action.namespace, labels: madeBySwitch },
    spec: { host: action.host, subsets },
  };
}
