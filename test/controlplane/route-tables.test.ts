import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonResponse } from '../../src/controlplane/ads/json-wire.ts';
import { createSerializer, type TypeSet } from '../../src/controlplane/ads/resources.ts';
import { patchedTable, type DiscoveryResponse, type ProxyConfig, type RouteConfiguration, type VirtualHost } from '../../src/xds/index.ts';

const host = fc.record({ name: fc.constantFrom(...'abcdefgh'), domains: fc.constantFrom<string[]>(['x'], ['y', '"\u2028ü']) });
const table = fc.record({ virtualHosts: fc.uniqueArray(host, { selector: ({ name }) => name, maxLength: 8 }), validateClusters: fc.boolean() });

describe('a change of a route table', () => {
  it('makes the new table of the former one, hosts by name and place, whatever changed', () => {
    fc.assert(fc.property(table, table, (one, other) => {
      const [before, after] = [routes([{ name: '80', ...one }]), routes([{ name: '80', ...other }])];
      expect(received(after, before)).toEqual([{ name: '80', ...other }]);
      expect(after.version === before.version).toBe(JSON.stringify(one) === JSON.stringify(other));
    }));
  });

  it('names only the hosts that changed', () => {
    const hosts = Array.from({ length: 100 }, (_, at): VirtualHost => ({ name: `host-${at}`, domains: [`host-${at}`] }));
    const serialize = createSerializer();
    const before = routes([{ name: '80', virtualHosts: hosts }, { name: '81', virtualHosts: hosts }], serialize);
    const after = routes([{ name: '80', virtualHosts: hosts.with(7, { name: 'host-7', domains: ['changed'] }) }, { name: '81', virtualHosts: [...hosts] }], serialize);
    const response = responseOf(after, before);
    expect(response.resources).toEqual([]);
    expect(response.patches).toEqual([{ name: '80', removed: ['host-7'], put: [{ at: 7, host: { name: 'host-7', domains: ['changed'] } }] }]);
  });

  it('is the whole table where hosts have no names of their own, or changed their order', () => {
    const [a, b] = ['a', 'b'].map((name): VirtualHost => ({ name, domains: [name] })) as [VirtualHost, VirtualHost];
    for (const [one, other] of [[[a, a, b], [a, a]], [[a, b], [b, a]]]) {
      const response = responseOf(routes([{ name: '80', virtualHosts: other ?? [] }]), routes([{ name: '80', virtualHosts: one ?? [] }]));
      expect(response.resources).toEqual([{ name: '80', virtualHosts: other }]);
      expect(response.patches).toBeUndefined();
    }
  });
});

function routes(tables: readonly RouteConfiguration[], serialize = createSerializer()): TypeSet {
  const config: ProxyConfig = { listeners: [], routes: tables, clusters: [], endpoints: [], names: { table: {} } };
  return serialize(config, []).route;
}

function responseOf(set: TypeSet, before: TypeSet | undefined): DiscoveryResponse {
  return JSON.parse(Buffer.concat(jsonResponse({ type: 'route', set, before, interest: 'all', nonce: '1' })).toString()) as DiscoveryResponse;
}

/** What a proxy has after a change. */
function received(set: TypeSet, before: TypeSet): readonly unknown[] {
  const { resources, patches = [] } = responseOf(set, before);
  const former = responseOf(before, undefined).resources as readonly RouteConfiguration[];
  if (set.version === before.version) return former;
  return [...resources, ...patches.map((patch) => patchedTable(former.find(({ name }) => name === patch.name) ?? {}, patch))];
}
