import fc from 'fast-check';
import { expect, test } from 'vitest';
import { prepareRoutes } from '../../src/routing/index.ts';
import type { VirtualHost } from '../../src/xds/index.ts';
import { request } from './request.ts';

const label = fc.constantFrom('a', 'b', 'c');
const host = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
const domain = fc.oneof(host, host.map((name) => `*.${name}`), host.map((name) => `*${name}`), host.map((name) => `${name}.*`), fc.constant('*'));
const path = fc.array(fc.constantFrom('/', 'a', 'b', 'A'), { maxLength: 5 }).map((parts) => `/${parts.join('')}`);
const match = fc.record({ kind: fc.constantFrom('prefix', 'path', 'pathSeparatedPrefix'), value: path, caseSensitive: fc.boolean() });

/** Envoy's rules written the slow and obvious way. */
function naive(hosts: readonly { domains: readonly string[]; routes: readonly { kind: string; value: string; caseSensitive: boolean }[] }[], authority: string, target: string): string {
  const rank = (name: string): number => {
    if (name === authority) return 3000;
    if (name === '*') return 1;
    if (name.startsWith('*')) return authority.length > name.length - 1 && authority.endsWith(name.slice(1)) ? 2000 + name.length : 0;
    if (name.endsWith('*')) return authority.length > name.length - 1 && authority.startsWith(name.slice(0, -1)) ? 1000 + name.length : 0;
    return 0;
  };
  const best = hosts.map(({ domains }, at) => ({ at, rank: Math.max(0, ...domains.map(rank)) })).sort((a, b) => b.rank - a.rank)[0];
  if (best === undefined || best.rank === 0) return 'no-virtual-host';
  const at = hosts[best.at]?.routes.findIndex(({ kind, value, caseSensitive }) => {
    const [have, want] = caseSensitive ? [target, value] : [target.toLowerCase(), value.toLowerCase()];
    if (kind === 'path') return have === want;
    if (kind === 'prefix') return have.startsWith(want);
    return have === want || have.startsWith(`${want}/`);
  });
  return at === -1 ? 'no-route' : `${best.at}/${String(at)}`;
}

test('the indexed table agrees with a naive matcher', () => {
  const table = fc.array(fc.record({ domains: fc.uniqueArray(domain, { maxLength: 3 }), routes: fc.array(match, { maxLength: 4 }) }), { maxLength: 5 });
  fc.assert(fc.property(table, host, path, (hosts, authority, target) => {
    const seen = new Set<string>();
    const unique = hosts.map(({ domains, routes }) => ({ routes, domains: domains.filter((name) => !seen.has(name) && seen.add(name)) }));
    const virtualHosts: VirtualHost[] = unique.map(({ domains, routes }, at) => ({
      name: String(at), domains,
      routes: routes.map(({ kind, value, caseSensitive }, index) => ({ name: `${at}/${index}`, match: { [kind]: value, caseSensitive }, route: { cluster: 'c' } })),
    }));
    const found = prepareRoutes({ virtualHosts }).match(request(authority, target), 0);
    expect(found.kind === 'route' ? found.route.name : found.kind).toBe(naive(unique, authority, target));
  }), { numRuns: 500 });
});
