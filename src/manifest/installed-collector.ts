import { meshDocument } from './mesh-document.ts';
import { ofKind } from './guards.ts';
import { podTemplates } from './pod-templates.ts';
import type { Resource } from './types.ts';

/** Says of a Service that the lab's own collector answers for it. */
export const collectorAnnotation = 'weft.dev/collector';

/** What a collector serves: OTLP over gRPC, OTLP over HTTP, Zipkin. */
type Way = 'grpc' | 'http' | 'zipkin';
const usual: Readonly<Record<Way, number>> = { grpc: 4317, http: 4318, zipkin: 9411 };

interface Wanted {
  readonly name: string;
  readonly namespace: string;
  readonly port: number;
  readonly way: Way;
}

/** The manifests of Services that providers of the mesh, or exporters in pods, send telemetry to and that nobody deploys: the lab collects in their place. JSON is YAML. */
export function collectorManifests(resources: readonly Resource[]): readonly { readonly path: string; readonly text: string }[] {
  const there = new Set(ofKind(resources, 'Service').map(({ metadata }) => `${metadata.namespace}/${metadata.name}`));
  const hosts = new Set(ofKind(resources, 'ServiceEntry').flatMap(({ spec }) => spec.hosts));
  const services = new Map<string, Wanted[]>();
  for (const wanted of [...ofProviders(resources), ...ofPods(resources)]) {
    const key = `${wanted.namespace}/${wanted.name}`;
    if (!there.has(key) && !hosts.has(`${wanted.name}.${wanted.namespace}.svc.cluster.local`)) services.set(key, [...(services.get(key) ?? []), wanted]);
  }
  return [...services.values()].map((all) => {
    const [{ name, namespace }] = all as [Wanted];
    const ports = new Map<number, Way>([...Object.entries(usual).map(([way, port]) => [port, way as Way] as const), ...all.map(({ port, way }) => [port, way] as const)]);
    const spec = { ports: [...ports].map(([port, way]) => ({ name: `${way === 'grpc' ? 'grpc' : 'http'}-${way === 'zipkin' ? 'zipkin' : 'otlp'}-${port}`, port, targetPort: usual[way] })) };
    return { path: `${name}.${namespace} (the lab’s collector)`, text: JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace, annotations: { [collectorAnnotation]: 'true' } }, spec }) };
  });
}

function ofProviders(resources: readonly Resource[]): readonly Wanted[] {
  const { extensionProviders } = meshDocument(resources) as { readonly extensionProviders?: unknown };
  if (!Array.isArray(extensionProviders)) return [];
  return (extensionProviders as readonly Readonly<Record<string, { readonly service?: unknown; readonly port?: unknown; readonly http?: unknown } | undefined>>[]).flatMap((provider): readonly Wanted[] => {
    const { opentelemetry, zipkin, envoyOtelAls } = provider;
    const found = opentelemetry ?? zipkin ?? envoyOtelAls;
    const service = serviceOf(typeof found?.service === 'string' ? found.service.slice(found.service.indexOf('/') + 1) : '', 'istio-system');
    if (service === undefined || typeof found?.port !== 'number') return [];
    return [{ ...service, port: found.port, way: zipkin !== undefined ? 'zipkin' : opentelemetry?.http === undefined ? 'grpc' : 'http' }];
  });
}

/** Exporters of pods by their usual variables. Source: opentelemetry.io, "OTLP Exporter Configuration". */
function ofPods(resources: readonly Resource[]): readonly Wanted[] {
  return podTemplates(resources).flatMap(({ spec, namespace }) => spec.containers.flatMap(({ env }) => env).flatMap(({ name, value }): readonly Wanted[] => {
    if (!/^OTEL_EXPORTER_(OTLP|ZIPKIN)(_\w+)?_ENDPOINT$/.test(name)) return [];
    const [, host = '', port] = /^(?:https?:\/\/)?([a-z0-9.-]+)(?::(\d{1,5}))?(?:\/.*)?$/.exec(value) ?? [];
    const service = serviceOf(host, namespace);
    const zipkin = name.includes('ZIPKIN');
    const number = port === undefined ? (zipkin ? usual.zipkin : usual.http) : Number(port);
    return service === undefined ? [] : [{ ...service, port: number, way: zipkin ? 'zipkin' : number === usual.grpc ? 'grpc' : 'http' }];
  }));
}

/** The Service that a name inside of the cluster means; `undefined` for a host of elsewhere. */
function serviceOf(host: string, namespace: string): { readonly name: string; readonly namespace: string } | undefined {
  const [, name, of] = /^([a-z0-9-]+)(?:\.([a-z0-9-]+)(?:\.svc(?:\.cluster\.local)?)?)?$/.exec(host) ?? [];
  if (name === undefined || name === 'localhost') return undefined;
  return { name, namespace: of ?? namespace };
}
