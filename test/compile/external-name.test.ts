import { expect, test } from 'vitest';
import { compile } from '../../src/compile/index.ts';
import { bookinfo, nodeOf, podOf, snapshot } from './lab.ts';

const alias = `apiVersion: v1
kind: Service
metadata: { name: news }
spec: { type: ExternalName, externalName: news.example.org, ports: [{ name: http, port: 80 }] }`;

test('a name for a host outside has an address in a lab, where no cluster’s DNS answers for it', () => {
  const mesh = snapshot([alias, bookinfo]);
  const lab = compile({ ...mesh, withoutKubeProxy: true }, nodeOf(podOf('reviews')));
  expect(['news', 'news.default', 'news.default.svc.cluster.local'].map((name) => lab.names.table[name]?.ips)).toEqual([['10.0.128.1'], ['10.0.128.1'], ['10.0.128.1']]);
  const cluster = lab.clusters.find(({ name }) => name === 'outbound|80||news.default.svc.cluster.local');
  expect([cluster?.type, cluster?.loadAssignment?.endpoints?.[0]?.lbEndpoints?.[0]?.endpoint?.address?.socketAddress]).toEqual(['STRICT_DNS', { address: 'news.example.org', portValue: 80 }]);
  expect(compile(mesh, nodeOf(podOf('reviews'))).names.table['news']).toBeUndefined();
});
