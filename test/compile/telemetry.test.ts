import { expect, test } from 'vitest';
import { compile } from '../../src/compile/index.ts';
import type { HttpConnectionManager } from '../../src/xds/index.ts';
import { bookinfo, nodeOf, podOf, snapshot } from './lab.ts';

const telemetry = (name: string, namespace: string, spec: string): string => `apiVersion: telemetry.istio.io/v1\nkind: Telemetry\nmetadata: { name: ${name}, namespace: ${namespace} }\nspec: ${spec}`;
const off = '{ accessLogging: [{ disabled: true }] }';

/** Whether a proxy logs what it sends and what it takes. */
function logs(documents: readonly string[], app = 'reviews'): readonly [boolean, boolean] {
  const { listeners } = compile(snapshot([bookinfo, ...documents]), nodeOf(podOf(app)));
  const some = (inbound: boolean): boolean => listeners.filter(({ name }) => (name === 'virtualInbound') === inbound).flatMap(({ filterChains = [] }) => filterChains).flatMap(({ filters = [] }) => filters)
    .some(({ typedConfig }) => ((typedConfig as HttpConnectionManager | undefined)?.accessLog ?? []).length > 0);
  return [some(false), some(true)];
}

test.each([
  ['nothing is said', [], [true, true]],
  ['the mesh turns logs off', [telemetry('a', 'istio-system', off)], [false, false]],
  ['the namespace turns them on again', [telemetry('a', 'istio-system', off), telemetry('b', 'default', '{ accessLogging: [{}] }')], [true, true]],
  ['another namespace is meant', [telemetry('a', 'other', off)], [true, true]],
  ['only the server side is meant', [telemetry('a', 'default', '{ accessLogging: [{ match: { mode: SERVER }, disabled: true }] }')], [true, false]],
  ['the workload is meant', [telemetry('a', 'default', `{ selector: { matchLabels: { app: reviews } }, accessLogging: [{ match: { mode: CLIENT }, disabled: true }] }`)], [false, true]],
  ['another workload is meant', [telemetry('a', 'default', `{ selector: { matchLabels: { app: ratings } }, accessLogging: [{ disabled: true }] }`)], [true, true]],
] as const)('%s', (_, documents, expected) => {
  expect(logs(documents)).toEqual(expected);
});
