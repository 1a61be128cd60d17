import { expect, test } from 'vitest';
import { compileHashPolicy, compileLoadBalancing, isPassthrough } from '../../src/features/load-balancing/compile.ts';
import { LoadBalancerSettings } from '../../src/features/load-balancing/manifest.ts';

test.each<[unknown, unknown]>([
  [{}, { lbPolicy: 'LEAST_REQUEST' }], [{ simple: 'ROUND_ROBIN' }, { lbPolicy: 'ROUND_ROBIN' }], [{ simple: 'RANDOM' }, { lbPolicy: 'RANDOM' }], [{ simple: 'LEAST_CONN' }, { lbPolicy: 'LEAST_REQUEST' }],
  [{ consistentHash: { httpHeaderName: 'x' } }, { lbPolicy: 'RING_HASH', ringHashLbConfig: { minimumRingSize: '1024' } }],
  [{ consistentHash: { useSourceIp: true, ringHash: { minimumRingSize: 4096 } } }, { lbPolicy: 'RING_HASH', ringHashLbConfig: { minimumRingSize: '4096' } }],
  [{ consistentHash: { useSourceIp: true, maglev: { tableSize: 65537 } } }, { lbPolicy: 'MAGLEV', maglevLbConfig: { tableSize: '65537' } }],
  [{ simple: 'LEAST_REQUEST', warmupDurationSecs: '30s' }, { lbPolicy: 'LEAST_REQUEST', leastRequestLbConfig: { slowStartConfig: { slowStartWindow: '30s' } } }],
])('%j', (written, expected) => {
  expect(compileLoadBalancing(LoadBalancerSettings.parse(written))).toEqual(expected);
});

test.each<[unknown, unknown]>([
  [{ simple: 'RANDOM' }, []],
  [{ consistentHash: { httpHeaderName: 'x-user' } }, [{ header: { headerName: 'x-user' } }]],
  [{ consistentHash: { httpQueryParameterName: 'id' } }, [{ queryParameter: { name: 'id' } }]],
  [{ consistentHash: { useSourceIp: true } }, [{ connectionProperties: { sourceIp: true } }]],
  [{ consistentHash: { httpCookie: { name: 'user', path: '/', ttl: '0s' } } }, [{ cookie: { name: 'user', path: '/', ttl: '0s' } }]],
])('hash of %j', (written, expected) => {
  expect(compileHashPolicy(LoadBalancerSettings.parse(written))).toEqual(expected);
});

test('PASSTHROUGH goes where the caller meant', () => {
  expect(isPassthrough(LoadBalancerSettings.parse({ simple: 'PASSTHROUGH' }))).toBe(true);
});
