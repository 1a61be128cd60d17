import type { RouteConfiguration } from './index.ts';
import type { RoutePatch } from './discovery.ts';

/** The table after a change of some of its hosts; the others stay the same objects. Throws where the patch cannot be for this table. */
export function patchedTable(table: RouteConfiguration, { removed, put }: RoutePatch): RouteConfiguration {
  const gone = new Set(removed);
  const virtualHosts = (table.virtualHosts ?? []).filter(({ name = '' }) => !gone.has(name));
  for (const { at, host } of put) {
    if (at > virtualHosts.length) throw new Error(`Route table ${table.name ?? ''} has no place ${at} for ${host.name ?? ''}.`);
    virtualHosts.splice(at, 0, host);
  }
  return { ...table, virtualHosts };
}
