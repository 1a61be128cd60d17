import { expect, test } from 'vitest';
import { compileFor, prepareSnapshot } from '../../src/compile/index.ts';
import { prepareListeners, prepareRoutes } from '../../src/routing/index.ts';
import type { ProxyConfig } from '../../src/xds/index.ts';
import { bookinfo, nodeOf, podOf, snapshot, subsets } from './lab.ts';

const rules = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews }
spec:
  hosts: [reviews]
  http:
  - match: [{ headers: { end-user: { exact: jason } } }]
    fault: { delay: { fixedDelay: 7s, percentage: { value: 100 } } }
    route: [{ destination: { host: reviews, subset: v2 } }]
  - timeout: 0.5s
    retries: { attempts: 3, perTryTimeout: 2s, retryOn: 'gateway-error,503' }
    route: [{ destination: { host: reviews, subset: v1 }, weight: 80 }, { destination: { host: reviews, subset: v3 }, weight: 20 }]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: bookinfo }
spec: { selector: { istio: ingressgateway }, servers: [{ port: { number: 8080, name: http, protocol: HTTP }, hosts: ['*'] }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: bookinfo }
spec:
  hosts: ['*']
  gateways: [bookinfo]
  http: [{ match: [{ uri: { exact: /productpage } }, { uri: { prefix: /static } }], route: [{ destination: { host: productpage, port: { number: 9080 } } }] }]
`;
const index = prepareSnapshot(snapshot([bookinfo, subsets, rules]));

async function golden(config: ProxyConfig, name: string): Promise<void> {
  prepareListeners(config.listeners);
  for (const routes of config.routes) prepareRoutes(routes);
  await expect(`${JSON.stringify(config, null, 1)}\n`).toMatchFileSnapshot(`fixtures/${name}.json`);
}

test('the config of the product page’s sidecar', async () => {
  await golden(compileFor(index, nodeOf(podOf('productpage'))), 'bookinfo-productpage');
});

test('the config of the ingress gateway', async () => {
  await golden(compileFor(index, nodeOf(podOf('istio-ingressgateway'), 'router')), 'bookinfo-gateway');
});

test('compiling twice gives the same, so that nothing is pushed again', () => {
  const node = nodeOf(podOf('productpage'));
  expect(compileFor(prepareSnapshot(snapshot([bookinfo, subsets, rules])), node)).toEqual(compileFor(index, node));
});
