import { expect, test } from 'vitest';
import { compile, defaultMeshConfig, meshConfigFrom } from '../../src/compile/index.ts';
import { parseManifests } from '../../src/manifest/index.ts';
import type { RetryPolicy } from '../../src/xds/index.ts';
import { bookinfo, nodeOf, podOf, snapshot } from './lab.ts';

const rule = (retries: object): string => JSON.stringify({
  apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: 'reviews' },
  spec: { hosts: ['reviews'], http: [{ route: [{ destination: { host: 'reviews' } }], ...retries }] },
});

/** The policies of the routes to ratings, which no VirtualService rules, and to reviews, which one does. */
function policies(defaultHttpRetryPolicy: object | undefined, retries: object = {}): readonly (RetryPolicy | undefined)[] {
  const mesh = meshConfigFrom(defaultHttpRetryPolicy === undefined ? {} : { defaultHttpRetryPolicy }, defaultMeshConfig);
  const { routes } = compile({ ...snapshot([bookinfo, rule(retries)]), mesh }, nodeOf(podOf('productpage')));
  const hosts = routes.flatMap(({ virtualHosts = [] }) => virtualHosts);
  return ['ratings', 'reviews'].map((name) => {
    const policy = hosts.find((host) => host.name === `${name}.default.svc.cluster.local:9080`)?.routes?.[0]?.route?.retryPolicy;
    return policy === undefined || Object.keys(policy).length === 0 ? undefined : policy;
  });
}

test('retries are Istio’s where neither the mesh nor a VirtualService says more', () => {
  const usual = { numRetries: 2, retryOn: 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes' };
  expect(policies(undefined)).toMatchObject([usual, usual]);
});

test('retries are the mesh’s for every route that says nothing of them', () => {
  const mesh = { numRetries: 5, retryOn: 'gateway-error', retryBackOff: { baseInterval: '0.04s' } };
  expect(policies({ attempts: 5, retryOn: 'gateway-error', backoff: '40ms' })).toMatchObject([mesh, mesh]);
  expect(policies({ attempts: 5, retryOn: 'gateway-error' }, { retries: { attempts: 1, retryOn: '5xx' } })).toMatchObject([{ numRetries: 5 }, { numRetries: 1, retryOn: '5xx' }]);
});

test('no attempts turn retries off for all but those who ask for them', () => {
  expect(policies({ attempts: 0 })).toEqual([undefined, undefined]);
  expect(policies({ attempts: 0 }, { retries: { attempts: 3 } })).toMatchObject([undefined, { numRetries: 3 }]);
});

test('a time per try is not the mesh’s to say, and is named', () => {
  expect(policies({ attempts: 1, perTryTimeout: '1s' })[0]).not.toHaveProperty('perTryTimeout');
  const operator = 'apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: { name: a, namespace: istio-system }\nspec:\n  meshConfig:\n    defaultHttpRetryPolicy:\n      attempts: 1\n      perTryTimeout: 1s\n';
  expect(parseManifests([{ path: 'a.yaml', text: operator }]).diagnostics.map(({ line, message }) => [line, message])).toEqual([[8, expect.stringContaining('write it in a VirtualService')]]);
});
