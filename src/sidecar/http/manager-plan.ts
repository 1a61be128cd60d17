import type { HttpConnectionManager } from '../../xds/index.ts';
import { milliseconds } from '../../util/envoy-json.ts';
import { keepaliveOf, type Http2ServerLimits } from '../http2/index.ts';
import { pathRules, type PathRules } from '../../routing/index.ts';
import { tracingPlan, type TracingPlan } from './tracing.ts';

/** A connection manager's config, read once. */
export interface ManagerPlan {
  readonly routeTable: string;
  /** Names the manager's statistics. */
  readonly statPrefix: string;
  readonly serverName: string;
  readonly serverHeader: 'OVERWRITE' | 'APPEND_IF_ABSENT' | 'PASS_THROUGH';
  /** The peer's address is the caller's: it goes into `x-forwarded-for` and is believed. */
  readonly useRemoteAddress: boolean;
  /** How many proxies in front are trusted to say in `x-forwarded-for` who called. */
  readonly trustedHops: number;
  readonly forwardClientCert: 'SANITIZE' | 'FORWARD_ONLY' | 'APPEND_FORWARD' | 'SANITIZE_SET' | 'ALWAYS_FORWARD_ONLY';
  /** What of a caller's certificate is told further. */
  readonly certificateDetails: { readonly subject: boolean; readonly uri: boolean; readonly dns: boolean };
  readonly generateRequestId: boolean;
  /** Believes an id that comes from outside of the mesh. */
  readonly preserveRequestId: boolean;
  readonly requestIdInResponse: boolean;
  /** `undefined`: this manager makes no spans, and trace headers pass as they are. */
  readonly tracing: TracingPlan | undefined;
  /** Protocols that a caller may switch to, lower-case. */
  readonly upgrades: ReadonlySet<string>;
  /** Callers may speak HTTP/1.0. */
  readonly http10: boolean;
  readonly paths: PathRules;
  /** The version of HTTP that is spoken, or `AUTO` to find it out. */
  readonly codec: 'AUTO' | 'HTTP1' | 'HTTP2';
  readonly limits: Http2ServerLimits;
}

/** What is kept at most of the uploads on one connection that nobody reads. */
const mostKept = 16 * 1024 * 1024;

/** Windows of HTTP/2. Unless it is said, that of the connection has room for all streams: uploads that nobody reads must not take the room of others. */
function windows(http2: HttpConnectionManager['http2ProtocolOptions']): Pick<Http2ServerLimits, 'streamWindow' | 'connectionWindow' | 'maxConcurrentStreams'> {
  const streamWindow = Number(http2?.initialStreamWindowSize ?? 65_536);
  const maxConcurrentStreams = Number(http2?.maxConcurrentStreams ?? 100);
  return { streamWindow, maxConcurrentStreams, connectionWindow: Number(http2?.initialConnectionWindowSize ?? Math.min(mostKept, maxConcurrentStreams * streamWindow)) };
}

/** Reads a connection manager. Timeouts default to 10 s for a head, 30 s of silence inside a body, an hour between requests. */
export function managerPlan(manager: HttpConnectionManager): ManagerPlan {
  return {
    routeTable: manager.rds?.routeConfigName ?? manager.routeConfig?.name ?? '',
    statPrefix: manager.statPrefix ?? '',
    serverName: manager.serverName === undefined || manager.serverName === '' ? 'istio-envoy' : manager.serverName,
    serverHeader: manager.serverHeaderTransformation ?? 'OVERWRITE',
    trustedHops: manager.xffNumTrustedHops ?? 0,
    useRemoteAddress: manager.useRemoteAddress === true,
    forwardClientCert: manager.forwardClientCertDetails ?? 'SANITIZE',
    certificateDetails: { subject: manager.setCurrentClientCertDetails?.subject === true, uri: manager.setCurrentClientCertDetails?.uri === true, dns: manager.setCurrentClientCertDetails?.dns === true },
    generateRequestId: manager.generateRequestId !== false,
    preserveRequestId: manager.preserveExternalRequestId === true,
    tracing: tracingPlan(manager),
    requestIdInResponse: manager.alwaysSetRequestIdInResponse === true,
    upgrades: new Set((manager.upgradeConfigs ?? []).filter(({ enabled }) => enabled !== false).map(({ upgradeType }) => (upgradeType ?? '').toLowerCase())),
    http10: manager.httpProtocolOptions?.acceptHttp10 === true,
    paths: pathRules(manager),
    codec: manager.codecType === 'HTTP1' || manager.codecType === 'HTTP2' ? manager.codecType : 'AUTO',
    limits: {
      headTimeout: milliseconds(manager.requestHeadersTimeout) ?? 10_000,
      idleTimeout: milliseconds(manager.commonHttpProtocolOptions?.idleTimeout) ?? 3_600_000,
      bodyIdleTimeout: 30_000,
      maxBody: Number.MAX_SAFE_INTEGER,
      proxyContinue: manager.proxy100Continue === true,
      ...windows(manager.http2ProtocolOptions),
      keepalive: keepaliveOf(manager.http2ProtocolOptions),
      allowConnect: manager.http2ProtocolOptions?.allowConnect === true,
    },
  };
}
