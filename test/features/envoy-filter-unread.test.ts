import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { unreadFields } from '../../src/features/envoy-filter/manifest-unread.ts';
import { parseManifests, validate } from '../../src/manifest/index.ts';

const source = join(import.meta.dirname, '../../src');

/** All words of what runs in a sidecar. */
function sidecarWords(): ReadonlySet<string> {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((path) => /^(sidecar|routing|util)\/.*\.ts$|^features\/[^/]+\/(filter|cluster|transport)[^/]*\.ts$/.test(path));
  expect(files.length).toBeGreaterThan(100);
  return new Set(files.flatMap((path) => readFileSync(join(source, path), 'utf8').match(/\w+/g) ?? []));
}

test('fields that are said to have no effect are read by no sidecar', () => {
  const words = sidecarWords();
  const camel = (name: string): string => name.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  const read = Object.entries(unreadFields).flatMap(([object, fields]) => Object.keys(fields).filter((field) => words.has(camel(field))).map((field) => `${object}: ${field}`));
  expect(read).toEqual([]);
});

const manager = '"@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const tls = '"@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext';
test.each<[string, string, readonly string[]]>([
  ['CLUSTER', '{ connect_timeout: 1s, dns_lookup_family: V4_ONLY, healthChecks: [] }', ['patch.value.dns_lookup_family', 'patch.value.healthChecks']],
  ['NETWORK_FILTER', `{ name: envoy.filters.network.http_connection_manager, typed_config: { ${manager}, strip_any_host_port: true, use_remote_address: true } }`, ['patch.value.typed_config.strip_any_host_port']],
  ['HTTP_ROUTE', '{ route: { timeout: 5s, internal_redirect_policy: {} } }', ['patch.value.route.internal_redirect_policy']],
  ['FILTER_CHAIN', `{ transport_socket: { name: tls, typed_config: { ${tls}, require_sni: true } } }`, ['patch.value.transport_socket.typed_config.require_sni']],
  ['VIRTUAL_HOST', '{ include_request_attempt_count: true }', []],
])('a patch of a %s names what has no effect at its line', (applyTo, value, expected) => {
  const text = `apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: { name: it }\nspec:\n  configPatches:\n  - applyTo: ${applyTo}\n    patch: { operation: MERGE, value: ${value} }\n`;
  const said = parseManifests([{ path: 'filter.yaml', text }]).resources.flatMap(validate).filter(({ code }) => code === 'WEFT0007');
  expect(said.map(({ path }) => path?.replace('spec.configPatches[0].', ''))).toEqual(expected);
  expect(said.every(({ line }) => line === 7)).toBe(true);
});
