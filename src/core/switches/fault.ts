import type { SwitchAction, Switches } from '../../contract/index.ts';
import type { SourceFile } from '../../manifest/index.ts';
import { addResource, editDocument, madeBySwitch, places, removeDocument, type Place } from './documents.ts';
import { fullHost, isRecordArray, namespaceOf, strings, virtualServiceFor } from './hosts.ts';

type Fault = Extract<SwitchAction, { kind: 'fault' }>;

/** Sets or clears the fault of a service: on every HTTP route of its VirtualService, or on a new one. */
export function setFault(files: readonly SourceFile[], action: Fault): readonly SourceFile[] {
  const fault = faultJson(action);
  const place = virtualServiceFor(places(files), action.host);
  if (place === undefined) return fault === undefined ? files : addResource(files, newVirtualService(action, fault));
  if (fault === undefined) return clearFault(files, place);
  return editDocument(files, place, (document) => {
    for (const index of routesOf(place).keys()) document.setIn([...place.path, 'spec', 'http', index, 'fault'], document.createNode(fault));
  });
}

/** Removes every fault that any manifest injects. */
export function clearFaults(files: readonly SourceFile[]): readonly SourceFile[] {
  let result = files;
  for (;;) {
    const place = places(result).find((candidate) => candidate.body.kind === 'VirtualService' && routesOf(candidate).some((route) => route['fault'] !== undefined));
    if (place === undefined) return result;
    result = clearFault(result, place);
  }
}

/** The faults that the manifests inject now. */
export function currentFaults(all: readonly Place[]): Switches['faults'] {
  return all.filter(({ body }) => body.kind === 'VirtualService').flatMap((place) => {
    const written = routesOf(place).map((route) => route['fault']).find((fault) => fault !== undefined);
    if (written === undefined) return [];
    const namespace = namespaceOf(place.body);
    const { delay, abort } = written as { delay?: Record<string, unknown>; abort?: Record<string, unknown> };
    return strings(place.body.spec?.['hosts']).map((host) => ({
      host: fullHost(host, namespace), namespace,
      ...(delay === undefined ? {} : { delay: { milliseconds: milliseconds(delay['fixedDelay']), percent: percent(delay) } }),
      ...(abort === undefined ? {} : { abort: { status: Number(abort['httpStatus'] ?? 503), percent: percent(abort) } }),
    }));
  });
}

function clearFault(files: readonly SourceFile[], place: Place): readonly SourceFile[] {
  const ours = place.body.metadata?.labels?.['dev.weft/made-by'] === 'switch';
  const routes = routesOf(place);
  if (ours && place.path.length === 0 && routes.length === 1 && isPlain(routes[0])) return removeDocument(files, place);
  return editDocument(files, place, (document) => {
    for (const index of routes.keys()) document.deleteIn([...place.path, 'spec', 'http', index, 'fault']);
  });
}

/** Nothing but the fault and one destination without subset: without the fault it says nothing. */
function isPlain(route: Readonly<Record<string, unknown>> | undefined): boolean {
  const destinations = route?.['route'];
  return isRecordArray(destinations) && destinations.length === 1 && (destinations[0]?.['destination'] as { subset?: string } | undefined)?.subset === undefined;
}

function routesOf(place: Place): readonly Readonly<Record<string, unknown>>[] {
  const http = place.body.spec?.['http'];
  return isRecordArray(http) ? http : [];
}

function faultJson({ delay, abort }: Fault): object | undefined {
  if (delay === undefined && abort === undefined) return undefined;
  return {
    ...(delay === undefined ? {} : { delay: { percentage: { value: delay.percent }, fixedDelay: `${delay.milliseconds / 1000}s` } }),
    ...(abort === undefined ? {} : { abort: { percentage: { value: abort.percent }, httpStatus: abort.status } }),
  };
}

function newVirtualService(action: Fault, fault: object): object {
  const service = action.host.split('.')[0] ?? action.host;
  return {
    apiVersion: 'networking.istio.io/v1', kind: 'VirtualService',
    metadata: { name: service, namespace: action.namespace, labels: madeBySwitch },
    spec: { hosts: [action.host], http: [{ fault, route: [{ destination: { host: action.host } }] }] },
  };
}

function percent(part: Readonly<Record<string, unknown>>): number {
  const percentage = part['percentage'] as { value?: number } | undefined;
  return percentage?.value ?? (typeof part['percent'] === 'number' ? part['percent'] : 100);
}

/** Go's durations, as Istio writes them: `7s`, `1m30s`, `250ms`. */
export function milliseconds(duration: unknown): number {
  const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 0.001, ns: 0.000001 };
  return [...String(duration).matchAll(/(\d+(?:\.\d+)?)(ms|us|ns|h|m|s)/g)].reduce((sum, [, value, unit]) => sum + Number(value) * (units[unit ?? 's'] ?? 0), 0);
}
