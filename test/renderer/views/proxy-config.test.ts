import { expect, it } from 'vitest';
import { originOf, summaryOf, titleOf } from '../../../renderer/views/pods/proxy-config.ts';

it.each([
  [{ name: 'virtualInbound', filterChains: [{}, {}] }, 'virtualInbound', '2 filter chains'],
  [{ name: '9080', virtualHosts: [{ routes: [{}, {}] }, {}] }, '9080', '2 virtual hosts, 2 routes'],
  [{ clusterName: 'c', endpoints: [{ lbEndpoints: [{}] }] }, 'c', '1 endpoint'],
  [{ name: 'c', type: 'EDS', lbPolicy: 'RANDOM' }, 'c', 'EDS, RANDOM'],
  [{ name: 'default' }, 'default', ''],
  [null, '?', ''], ['text', '?', ''], [{ name: 5, virtualHosts: [null] }, '?', '1 virtual host, 0 routes'],
])('%j is “%s”: %s', (resource, title, summary) => {
  expect([titleOf(resource), summaryOf(resource)]).toEqual([title, summary]);
});

it('finds the line that a resource comes from', () => {
  expect(originOf({ metadata: { filterMetadata: { 'dev.weft': { file: 'a.yaml', line: 3 } } } })).toEqual({ file: 'a.yaml', line: 3 });
  expect(originOf({ metadata: { filterMetadata: { 'dev.weft': { file: 3 } } } })).toBeUndefined();
});
