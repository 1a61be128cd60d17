import { any, typeUrl, type HttpConnectionManager } from '../../xds/index.ts';
import type { Telemetry } from './manifest.ts';

/** The side of a proxy: `client` sends (a sidecar's outbound listeners, a gateway), `server` takes. */
export type Side = 'client' | 'server';

/** What a proxy is told of tracing where no Telemetry says otherwise: the mesh's default, and over it what its pod's annotation says. */
export interface TracingDefaults {
  /** Share of requests that start a trace, 0 to 100. */
  readonly sampling: number;
  readonly tags: Telemetry['tracing'][number]['customTags'];
  /** Longer paths are cut in spans; bytes. */
  readonly maxPathTagLength: number | undefined;
  readonly istioTags: boolean;
  /** Names of providers, the first of which counts. */
  readonly providers: readonly string[];
}

type Tracing = NonNullable<HttpConnectionManager['tracing']>;

/** Tags that Istio gives every span, by the part of a proxy's environment that they are read from. Source: istio.io, Telemetry, Tracing.enableIstioTags. */
const istioTags = {
  'istio.canonical_revision': 'CANONICAL_REVISION', 'istio.canonical_service': 'CANONICAL_SERVICE', 'istio.cluster_id': 'ISTIO_META_CLUSTER_ID', 'istio.mesh_id': 'ISTIO_META_MESH_ID', 'istio.namespace': 'POD_NAMESPACE',
} as const;

/** What the rules for one side come to: every field by itself, the narrowest scope that sets it counts. */
interface Effective extends TracingDefaults {
  readonly disabled: boolean;
  readonly propagate: boolean;
  readonly byRequestId: boolean;
}

/**
 * Tracing of a connection manager, and how its request ids carry the decision. `tracing` is missing where spans are not reported: such a proxy passes
 * trace headers on as they are. `telemetries` are those of the proxy, the widest first. Source: istio.io, Telemetry, Tracing.
 */
export function compileTracing(
  telemetries: readonly Telemetry[], side: Side, defaults: TracingDefaults, provider: (name: string) => Tracing['provider'],
): Pick<HttpConnectionManager, 'tracing' | 'requestIdExtension'> {
  const effective = telemetries.flatMap(({ tracing }) => tracing.slice(0, 1)).filter(({ match }) => meant(match?.mode, side)).reduce(over, { ...defaults, disabled: false, propagate: true, byRequestId: true });
  if (effective.disabled) return {};
  const [name] = effective.providers;
  const exporter = name === undefined ? undefined : provider(name);
  const tracing: Tracing & { noContextPropagation?: boolean } = {
    clientSampling: { value: 100 }, randomSampling: { value: effective.sampling }, overallSampling: { value: 100 },
    ...(effective.maxPathTagLength === undefined ? {} : { maxPathTagLength: effective.maxPathTagLength }),
    customTags: [...customTags(effective.tags), ...(effective.istioTags ? Object.entries(istioTags).map(([tag, environment]) => ({ tag, environment: { name: environment, defaultValue: 'unknown' } })) : [])],
    ...(exporter === undefined ? {} : { provider: exporter }),
    ...(effective.propagate ? {} : { noContextPropagation: true }),
  };
  return { tracing, ...(effective.byRequestId ? {} : { requestIdExtension: { typedConfig: any(typeUrl.uuidRequestId, { useRequestIdForTraceSampling: false }) } }) };
}

/** Whether a rule for `mode` speaks of this side. */
export function meant(mode: 'CLIENT_AND_SERVER' | 'CLIENT' | 'SERVER' | undefined, side: Side): boolean {
  return mode === undefined || mode === 'CLIENT_AND_SERVER' || (mode === 'CLIENT') === (side === 'client');
}

function over(before: Effective, rule: Telemetry['tracing'][number]): Effective {
  return {
    ...before,
    sampling: rule.randomSamplingPercentage ?? before.sampling,
    disabled: rule.disableSpanReporting ?? before.disabled,
    tags: Object.keys(rule.customTags).length > 0 ? rule.customTags : before.tags,
    istioTags: rule.enableIstioTags ?? before.istioTags,
    providers: rule.providers.length > 0 ? rule.providers.map(({ name }) => name) : before.providers,
    propagate: rule.disableContextPropagation === undefined ? before.propagate : !rule.disableContextPropagation,
    byRequestId: rule.useRequestIdForTraceSampling ?? before.byRequestId,
  };
}

type CustomTags = NonNullable<Tracing['customTags']>;

function customTags(tags: TracingDefaults['tags']): CustomTags {
  return Object.entries(tags).sort(([one], [other]) => (one < other ? -1 : 1)).map(([tag, { literal, environment, header, formatter }]): CustomTags[number] => ({
    tag,
    ...(literal === undefined ? {} : { literal: { value: literal.value } }),
    ...(environment === undefined ? {} : { environment: { name: environment.name, ...(environment.defaultValue === '' ? {} : { defaultValue: environment.defaultValue }) } }),
    ...(header === undefined ? {} : { requestHeader: { name: header.name, ...(header.defaultValue === '' ? {} : { defaultValue: header.defaultValue }) } }),
    ...(formatter === undefined ? {} : { value: formatter.value }),
  }));
}
