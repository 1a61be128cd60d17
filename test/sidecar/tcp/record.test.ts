import { expect, test } from 'vitest';
import type { Peer } from '../../../src/contract/index.ts';
import { chainTitle } from '../../../src/routing/index.ts';
import { nobody } from '../../../src/sidecar/telemetry/peer.ts';
import { connectionRecord } from '../../../src/sidecar/tcp/record.ts';
import type { ConnectionContext, ConnectionOutcome, ProxyRuntime } from '../../../src/sidecar/tcp/runtime.ts';
import type { FilterChain } from '../../../src/xds/index.ts';
import { fakeClock } from '../../fakes/clock.ts';

const peer = (app: string, ip: string): Peer => ({ ...nobody, pod: `default/${app}-1`, workload: `${app}-v1`, namespace: 'default', app, version: 'v1', ip });

function context(originalDestination: string, direction: ConnectionContext['direction'] = 'outbound'): ConnectionContext {
  const runtime: Pick<ProxyRuntime, 'self' | 'clock' | 'peerAt' | 'serviceAt'> = {
    self: peer('productpage', '10.0.0.5'), clock: fakeClock(),
    peerAt: (ip, principal) => ({ ...(ip === '10.0.0.7' ? peer('reviews', ip) : nobody), ip, principal }),
    serviceAt: (ip) => (ip === '10.0.128.3' ? 'reviews.default.svc.cluster.local' : ''),
  };
  return { runtime: runtime as ProxyRuntime, listener: '0.0.0.0_9080', direction, sourceIp: '10.0.0.7', sourcePrincipal: '', originalDestination, startTime: 0, decision: [] };
}

/** A connection that never reached a cluster of a service, as when it was refused or passed through. */
const nowhere: ConnectionOutcome = { cluster: '', service: '', endpoint: '', destination: nobody, mtls: false, flags: ['NR'], details: 'refused', upstreamDuration: 0, received: 0, sent: 0, steps: [] };

test('names the service whose virtual IP a connection was for, also when it got nowhere', () => {
  expect(connectionRecord(context('10.0.128.3:9080'), nowhere, 1).service).toBe('reviews.default.svc.cluster.local');
});

test('names the pod whose address a connection was for', () => {
  expect(connectionRecord(context('10.0.0.7:9080'), nowhere, 1).destination).toMatchObject({ app: 'reviews', version: 'v1', ip: '10.0.0.7' });
});

test('leaves an address of nobody in the mesh as it is', () => {
  expect(connectionRecord(context('93.184.216.34:443'), nowhere, 1)).toMatchObject({ service: '93.184.216.34:443', destination: nobody });
});

test('names a caller without a certificate by its address', () => {
  expect(connectionRecord(context('10.0.0.5:9080', 'inbound'), nowhere, 1)).toMatchObject({ source: { app: 'reviews' }, destination: { app: 'productpage' } });
});

test('a filter chain without a name is told by what takes its connections', () => {
  const chain = (config: object): FilterChain => ({ filters: [{ name: 'terminal', typedConfig: { '@type': 'type', ...config } }] });
  expect(chainTitle(chain({ statPrefix: 'outbound_0.0.0.0_9080', rds: { routeConfigName: '9080' } }))).toBe('HTTP, route table 9080');
  expect(chainTitle(chain({ statPrefix: 'outbound|3306||mysqldb.default.svc.cluster.local' }))).toBe('TCP to outbound|3306||mysqldb.default.svc.cluster.local');
  expect(chainTitle({ name: 'virtualOutbound-blackhole', filters: [] })).toBe('virtualOutbound-blackhole');
});
