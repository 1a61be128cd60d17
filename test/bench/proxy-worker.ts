import { createServer, type Socket } from 'node:net';
import { prepareRoutes } from '../../src/routing/index.ts';
import { createSystemClock } from '../../src/sidecar/config/system-clock.ts';
import { serveHttp } from '../../src/sidecar/http/index.ts';
import { linkTier, socketLink } from '../../src/sidecar/link/index.ts';
import type { HttpConnectionContext, Runtime } from '../../src/sidecar/runtime.ts';
import { reportingOf } from '../../src/sidecar/telemetry/reporting.ts';
import { createTelemetry } from '../../src/sidecar/telemetry/telemetry.ts';
import { acceptTls } from '../../src/sidecar/tls/accept.ts';
import { createConnector } from '../../src/sidecar/tls/connector.ts';
import { TlsContexts } from '../../src/sidecar/tls/context.ts';
import { createSecretStore } from '../../src/sidecar/tls/secrets.ts';
import { createCluster } from '../../src/sidecar/upstream/index.ts';
import { any, typeUrl, type Cluster, type CommonTlsContext } from '../../src/xds/index.ts';
import type { BenchConfig } from './proxy-config.ts';

/** What a worker of the bench is told, as JSON in its first argument. */
export interface WorkerSettings {
  readonly listen: number;
  readonly upstream: number;
  /** Which side of a pair it is; `alone` for one hop in plain text. */
  readonly side: 'alone' | 'client' | 'server';
  /** The upstream is spoken to in HTTP/2 in plain text. */
  readonly http2?: boolean;
  /** What its connections run on, as the admin page names it; `sockets` as on a Node that does not give its handles away. */
  readonly tier: 'handles' | 'sockets';
  readonly config: BenchConfig;
  readonly pem: { readonly chain: string; readonly key: string; readonly roots: string };
}

const settings = JSON.parse(process.argv[2] ?? '{}') as WorkerSettings;
if (settings.tier === 'sockets') Reflect.set(process, 'binding', undefined);
if (linkTier() !== settings.tier) throw new Error(`this Node has no tier of ${settings.tier}`);
const { listen, upstream, side, http2 = false, pem, config: { clusterName, listener, manager, routes } } = settings;
const trustDomain = 'cluster.local';
const secrets = createSecretStore();
secrets.setOwn('default', { chain: pem.chain, key: pem.key });
secrets.setOwn('ROOTCA', { roots: pem.roots });
const contexts = new TlsContexts(secrets);
const commonTlsContext: CommonTlsContext = {
  alpnProtocols: ['istio', 'istio-h2', 'istio-http/1.1', 'http/1.1'], tlsCertificateSdsSecretConfigs: [{ name: 'default' }],
  combinedValidationContext: { defaultValidationContext: {}, validationContextSdsSecretConfig: { name: 'ROOTCA' } },
};
const http2Options = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const clock = createSystemClock();
const connector = createConnector({ contexts, trustDomain, speaks: 'http' });
const config: Cluster = {
  name: clusterName, type: 'STATIC', lbPolicy: 'LEAST_REQUEST', circuitBreakers: { thresholds: [{ maxConnections: 4294967295, maxPendingRequests: 4294967295, maxRequests: 4294967295 }] },
  ...(side === 'client' ? { transportSocket: { name: 'envoy.transport_sockets.tls', typedConfig: any(typeUrl.upstreamTls, { commonTlsContext, sni: 'outbound_.9080_._.reviews.default.svc.cluster.local' }) } } : {}),
  ...(http2 ? { typedExtensionProtocolOptions: { [http2Options]: { '@type': `type.googleapis.com/${http2Options}`, explicitHttpConfig: { http2ProtocolOptions: {} } } as { '@type': string } } } : {}),
  loadAssignment: { clusterName: 'x', endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue: upstream } } }, metadata: { filterMetadata: { istio: { workload: 'reviews-v1;default;reviews;v1' } } } }] }] },
};
const cluster = createCluster(config, undefined, { connector, clock, random: Math.random });
const table = prepareRoutes(routes);
const telemetry = createTelemetry({ clock, recordsPerSecond: 200, connected: () => true, send: (batch) => { JSON.stringify(batch); }, log: () => undefined });
telemetry.reporting(reportingOf([listener]));
const runtime: Runtime = {
  routeTable: () => table, cluster: (name) => (name === config.name ? cluster : undefined), connector, telemetry, clock, random: Math.random,
  self: { pod: 'default/productpage', workload: 'productpage-v1', namespace: 'default', app: 'productpage', version: 'v1', principal: 'spiffe://cluster.local/ns/default/sa/default', ip: '127.0.0.1' },
  rateLimits: () => Promise.resolve(undefined), environment: {}, derived: new WeakMap(), downstream: new Map(), peerAt: (ip, principal) => ({ pod: '', workload: '', namespace: '', app: '', version: '', principal, ip }),
};
const context: HttpConnectionContext = {
  runtime, manager, listener: listener.name ?? '', listenerOrigin: undefined, filterChain: 'default', direction: side === 'server' ? 'inbound' : 'outbound', edge: false, scheme: 'http',
  sourceIp: '127.0.0.1', sourcePrincipal: '', originalDestination: `127.0.0.1:${upstream}`,
};

const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket: Socket) => {
  if (side !== 'server') {
    serveHttp(socketLink(socket), context);
    return;
  }
  acceptTls(socket, { config: { commonTlsContext, requireClientCertificate: true }, contexts, trustDomain, offered: ['istio-h2'], timeoutMs: 5000 })
    .then(({ socket: secured, principal }) => serveHttp(socketLink(secured), { ...context, scheme: 'https', sourcePrincipal: principal }), (error: unknown) => console.error(error));
});
server.listen(listen, '127.0.0.1', 1024);
process.on('SIGTERM', () => process.exit(0));
