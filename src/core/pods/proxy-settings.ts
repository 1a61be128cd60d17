import { parse } from 'yaml';
import { environmentOf } from '../../compile/index.ts';
import { defaultDrain, type DrainSettings } from '../../contract/index.ts';
import { meshDocument, ofKind, type Resource } from '../../manifest/index.ts';
import { parseDuration } from '../../util/manifest-fields.ts';

/** What Istio's ProxyConfig says of a pod's proxy, as far as core acts on it. */
export interface ProxySettings {
  readonly drain: DrainSettings;
  /** The pod's other containers start when its proxy is ready. */
  readonly holdApplication: boolean;
}

/** Whose proxy it is. */
export interface ProxyOwner {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

type Fields = Readonly<Record<string, unknown>>;

const rootNamespace = 'istio-system';

/**
 * Merges what the mesh's `defaultConfig`, ProxyConfig resources (of the mesh, the namespace, then the workload) and the pod's annotation `proxy.istio.io/config` say, each over
 * the one before. What is not of its type keeps what was below. Source: istio.io, ProxyConfig and "Resource Annotations".
 */
export function proxySettings(owner: ProxyOwner, resources: readonly Resource[]): ProxySettings {
  const mesh = fields(meshDocument(resources)['defaultConfig']);
  const own = annotated(owner.annotations['proxy.istio.io/config']);
  const said = { ...mesh, ...own };
  const environment = { ...fields(mesh['proxyMetadata']), ...environmentOf(owner, ofKind(resources, 'ProxyConfig'), rootNamespace), ...fields(own['proxyMetadata']) };
  return {
    drain: {
      change: seconds(said['drainDuration'], defaultDrain.change), termination: seconds(said['terminationDrainDuration'], defaultDrain.termination),
      untilNoConnections: String(environment['EXIT_ON_ZERO_ACTIVE_CONNECTIONS'] ?? '').toLowerCase() === 'true',
    },
    holdApplication: said['holdApplicationUntilProxyStarts'] === true,
  };
}

/** A text that is no YAML says nothing. */
function annotated(text: string | undefined): Fields {
  if (text === undefined) return {};
  try {
    return fields(parse(text, { logLevel: 'silent', maxAliasCount: 100 }));
  } catch {
    return {};
  }
}

function seconds(value: unknown, otherwise: number): number {
  const milliseconds = typeof value === 'string' ? parseDuration(value) : undefined;
  return milliseconds === undefined ? otherwise : milliseconds / 1000;
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}
