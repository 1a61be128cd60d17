import { expect, test } from 'vitest';
import { compileTcpRoute, connectionMatchApplies } from '../../src/features/tcp-routing/compile.ts';
import { L4MatchAttributes } from '../../src/features/tcp-routing/manifest.ts';

test('one destination is a cluster, several are weighted; weight 0 is left out', () => {
  expect(compileTcpRoute('x', [{ cluster: 'a', weight: 0 }])).toEqual({ statPrefix: 'a', cluster: 'a' });
  expect(compileTcpRoute('x', [{ cluster: 'a', weight: 80 }, { cluster: 'b', weight: 20 }, { cluster: 'c', weight: 0 }])).toEqual({ statPrefix: 'x', weightedClusters: { clusters: [{ name: 'a', weight: 80 }, { name: 'b', weight: 20 }] } });
});

test.each<[unknown, boolean]>([[{}, true], [{ port: 9000 }, true], [{ port: 1 }, false], [{ gateways: ['mesh'] }, true], [{ gateways: ['a/b'] }, false], [{ sourceLabels: { app: 'b' } }, false], [{ sourceNamespace: 'default' }, true]])('%j applies: %s', (written, applies) => {
  expect(connectionMatchApplies(L4MatchAttributes.parse(written), { gateway: 'mesh', port: 9000, labels: { app: 'a' }, namespace: 'default' })).toBe(applies);
});
