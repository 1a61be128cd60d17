import { describe } from 'vitest';
import { networking, table } from './table.ts';

const kind = { apiVersion: networking, kind: 'EnvoyFilter' };
const lua = { name: 'a', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' } };
const add = { operation: 'INSERT_BEFORE', value: lua };
const patch = (fields: object): object => ({ configPatches: [{ applyTo: 'HTTP_FILTER', patch: add, ...fields }] });
const manager = 'envoy.filters.network.http_connection_manager';
const filter = (fields: object): object => ({ listener: { filterChain: { filter: fields } } });

describe('what a patch applies to', () => {
  table(kind, [
    ['nothing said', {}, 'ok'],
    ['no target', patch({ applyTo: 'INVALID' }), 'bad'],
    ['no patch', { configPatches: [{ applyTo: 'CLUSTER' }] }, 'bad'],
    ['no operation', patch({ patch: { value: lua } }), 'bad'],
    ['no value', patch({ patch: { operation: 'ADD' } }), 'bad'],
    ['removal without a value', patch({ patch: { operation: 'REMOVE' } }), 'ok'],
    ['removal with a value', patch({ patch: { operation: 'REMOVE', value: lua } }), 'warn'],
    ['a listener for a cluster', patch({ applyTo: 'CLUSTER', match: { listener: {} }, patch: { operation: 'MERGE', value: {} } }), 'bad'],
    ['a cluster for a listener', patch({ applyTo: 'LISTENER', match: { cluster: {} }, patch: { operation: 'MERGE', value: {} } }), 'bad'],
    ['a route for an HTTP filter', patch({ match: { routeConfiguration: {} } }), 'bad'],
    ['a listener for a virtual host', patch({ applyTo: 'VIRTUAL_HOST', match: { listener: {} }, patch: { operation: 'MERGE', value: {} } }), 'bad'],
    ['two objects', patch({ match: { listener: {}, cluster: {} } }), 'bad'],
    ['a version', patch({ match: { proxy: { proxyVersion: '^1\\.2.*' } } }), 'ok'],
    ['a version that does not compile', patch({ match: { proxy: { proxyVersion: '%#@~++' } } }), 'bad'],
    ['a filter match on a listener', patch({ applyTo: 'LISTENER', match: filter({ name: manager }), patch: { operation: 'MERGE', value: {} } }), 'warn'],
    ['a filter match on a chain', patch({ applyTo: 'FILTER_CHAIN', match: filter({ name: manager }), patch: { operation: 'MERGE', value: {} } }), 'warn'],
    ['a filter match without a name', patch({ match: filter({}) }), 'bad'],
    ['a filter match by an old name', patch({ match: filter({ name: 'envoy.http_connection_manager' }) }), 'warn'],
    ['a sub-filter', patch({ match: filter({ name: manager, subFilter: { name: 'envoy.filters.http.router' } }) }), 'ok'],
    ['a sub-filter of another filter', patch({ match: filter({ name: 'envoy.filters.network.tcp_proxy', subFilter: { name: 'a' } }) }), 'bad'],
    ['a sub-filter without a name', patch({ match: filter({ name: manager, subFilter: {} }) }), 'bad'],
    ['a sub-filter of no HTTP filter', patch({ applyTo: 'FILTER_CHAIN', match: filter({ name: manager, subFilter: { name: 'a' } }), patch: { operation: 'MERGE', value: {} } }), 'bad, warn'],
    ['an order among clusters', patch({ applyTo: 'CLUSTER', patch: { operation: 'INSERT_BEFORE', value: {} } }), 'bad'],
    ['a cluster replaced', patch({ applyTo: 'CLUSTER', patch: { operation: 'REPLACE', value: {} } }), 'bad'],
    ['a class without ADD', patch({ patch: { ...add, filterClass: 'STATS' } }), 'bad'],
    ['a filter without a type', patch({ patch: { operation: 'ADD', value: { name: 'a', typed_config: { inline: 'x' } } } }), 'bad'],
    ['a filter without a name', patch({ patch: { operation: 'ADD', value: { typed_config: lua.typed_config } } }), 'bad'],
    ['a selector without labels', { workloadSelector: {}, configPatches: [] }, 'warn'],
    ['a selector with a wildcard', { workloadSelector: { labels: { a: 'b*' } } }, 'bad'],
    ['a selector and a target', { workloadSelector: { labels: { a: 'b' } }, targetRefs: [{ kind: 'Service', name: 'a' }] }, 'bad'],
  ]);
});
