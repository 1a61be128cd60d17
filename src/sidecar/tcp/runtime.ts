import type { DecisionStep, Peer, ResponseFlag } from '../../contract/index.ts';
import type { Origin, TcpProxy } from '../../xds/index.ts';
import type { Connector, Runtime } from '../runtime.ts';
import type { ProxyTelemetry } from '../telemetry/telemetry.ts';

/** What connections that are not HTTP ask of the sidecar, besides what HTTP asks. */
export interface ProxyRuntime extends Runtime {
  /** Opens connections on which no HTTP is spoken. */
  readonly tcpConnector: Connector;
  readonly telemetry: ProxyTelemetry;
  /** Host name of the service that has a virtual IP; empty when none has. */
  serviceAt(ip: string): string;
}

/** What is known of a downstream connection when its filter chain has been chosen. */
export interface ConnectionContext {
  readonly runtime: ProxyRuntime;
  readonly listener: string;
  readonly direction: 'inbound' | 'outbound';
  readonly sourceIp: string;
  readonly sourcePort?: number;
  /** From TLS; absent without. */
  readonly serverName?: string;
  readonly sourcePrincipal: string;
  /** `ip:port` that the caller meant. */
  readonly originalDestination: string;
  readonly startTime: number;
  readonly decision: readonly DecisionStep[];
}

/** A connection whose chain ends in the TCP proxy. */
export interface TcpContext extends ConnectionContext {
  readonly proxy: TcpProxy;
  readonly origin: Origin | undefined;
}

/** How a connection went, besides its context. */
export interface ConnectionOutcome {
  readonly cluster: string;
  readonly service: string;
  readonly endpoint: string;
  readonly destination: Peer;
  readonly mtls: boolean;
  readonly flags: readonly ResponseFlag[];
  readonly details: string;
  readonly upstreamDuration: number;
  readonly received: number;
  readonly sent: number;
  readonly steps: readonly DecisionStep[];
}
