import type { RequestRecord } from '../../contract/index.ts';
import type { Address } from '../link/index.ts';
import type { AccessFacts } from '../runtime.ts';
import { nobody } from '../telemetry/peer.ts';
import type { ConnectionContext, ConnectionOutcome } from './runtime.ts';

/** The record of a connection. `key` is unique within the pod. */
export function connectionRecord(context: ConnectionContext, outcome: ConnectionOutcome, key: number): RequestRecord {
  const { runtime, direction } = context;
  const ip = context.originalDestination.slice(0, context.originalDestination.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  const reached = outcome.destination.workload === '' ? runtime.peerAt(ip, outcome.destination.principal) : outcome.destination;
  const source = direction === 'inbound' ? runtime.peerAt(context.sourceIp, context.sourcePrincipal) : runtime.self;
  return {
    key: `${runtime.self.pod}/c${key}`, time: context.startTime, reporter: direction === 'inbound' ? 'destination' : 'source', proxy: runtime.self.pod,
    requestId: '', traceId: '', spanId: '', parentSpanId: '', sampled: false, source, destination: direction === 'inbound' ? runtime.self : reached.workload === '' ? outcome.destination : reached,
    // What did not get as far as a cluster of a service was still meant for one, when its address is that of one.
    service: outcome.service || runtime.serviceAt(ip) || context.originalDestination, protocol: 'tcp', method: '', authority: '', path: '', status: 0,
    flags: outcome.flags, details: outcome.details, duration: runtime.clock.now() - context.startTime, upstreamDuration: outcome.upstreamDuration,
    bytesReceived: outcome.received, bytesSent: outcome.sent, retries: 0, mtls: outcome.mtls, listener: context.listener, route: '',
    cluster: outcome.cluster, endpoint: outcome.endpoint, decision: [...context.decision, ...outcome.steps], requestHeaders: [], responseHeaders: [],
  };
}

/** What the access log tells besides. */
export function connectionFacts({ originalDestination, sourceIp, sourcePort = 0, serverName = '' }: ConnectionContext, upstream?: Address): AccessFacts {
  const caller = `${sourceIp}:${sourcePort}`;
  return {
    downstreamLocalAddress: originalDestination, downstreamRemoteAddress: caller, downstreamDirectRemoteAddress: caller, upstreamLocalAddress: upstream === undefined || upstream.ip === '' ? '' : `${upstream.ip}:${upstream.port}`,
    requestedServerName: serverName, protocol: '', routeName: '', headers: () => ({ request: {}, response: {} }),
  };
}

/** Reports a connection that was refused before anything was proxied. */
export function reportRefused(context: ConnectionContext, flag: ConnectionOutcome['flags'][number], details: string, key: number): void {
  const record = connectionRecord(context, {
    cluster: '', service: '', endpoint: '', destination: nobody, mtls: context.sourcePrincipal !== '', flags: [flag], details, upstreamDuration: 0, received: 0, sent: 0,
    steps: [{ stage: 'response', what: flag, why: details }],
  }, key);
  context.runtime.telemetry.tcp(record, { opened: 1, closed: 1, sent: 0, received: 0 }, () => connectionFacts(context));
  context.runtime.telemetry.request(record, () => connectionFacts(context));
}
