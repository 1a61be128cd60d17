import type { RouteConfiguration, VirtualHost } from '../../xds/index.ts';
import { hashOf } from './hash.ts';

/** A virtual host as it goes on a wire. */
export interface WireHost {
  readonly name: string;
  readonly json: string;
  /** A hash of the content. */
  readonly version: string;
}

/** A route table in parts, so that a change of one host costs one host. */
export interface WireTable {
  /** Everything but the hosts, as JSON. */
  readonly rest: string;
  /** Each has a name of its own. */
  readonly hosts: readonly WireHost[];
}

/** Takes tables apart; hosts that several tables have as the same object are serialised once. `undefined` for a table whose hosts cannot be told apart by name. */
export function createTableReader(): (table: RouteConfiguration) => WireTable | undefined {
  const known = new WeakMap<VirtualHost, WireHost>();
  const wireHost = (host: VirtualHost): WireHost => {
    let wire = known.get(host);
    if (wire === undefined) {
      const json = JSON.stringify(host);
      known.set(host, wire = { name: host.name ?? '', json, version: hashOf(json) });
    }
    return wire;
  };
  return ({ virtualHosts = [], ...rest }) => {
    const hosts = virtualHosts.map(wireHost);
    return new Set(hosts.map(({ name }) => name)).size === hosts.length ? { rest: JSON.stringify(rest), hosts } : undefined;
  };
}

/** The table's JSON. */
export function tableJson({ rest, hosts }: WireTable): string {
  return `${rest === '{}' ? '{' : `${rest.slice(0, -1)},`}"virtualHosts":[${hosts.map(({ json }) => json).join(',')}]}`;
}

/** A hash of the table's content. */
export function tableVersion({ rest, hosts }: WireTable): string {
  return hashOf(`${rest}\n${hosts.map(({ version }) => version).join('\n')}`);
}

/** The JSON of a RoutePatch that makes one table of the other; `undefined` where the whole table says it better. */
export function tablePatch(name: string, before: WireTable | undefined, after: WireTable | undefined): string | undefined {
  if (before === undefined || after === undefined || before.rest !== after.rest) return undefined;
  const versions = new Map(before.hosts.map((host) => [host.name, host.version]));
  const stays = new Set(after.hosts.filter((host) => versions.get(host.name) === host.version).map((host) => host.name));
  if (stays.size === 0) return undefined;
  const left = before.hosts.filter((host) => stays.has(host.name));
  const right = after.hosts.filter((host) => stays.has(host.name));
  if (left.some((host, at) => host.name !== right[at]?.name)) return undefined;
  const removed = before.hosts.filter((host) => !stays.has(host.name)).map((host) => host.name);
  const put = after.hosts.flatMap((host, at) => (stays.has(host.name) ? [] : [`{"at":${at},"host":${host.json}}`]));
  return `{"name":${JSON.stringify(name)},"removed":${JSON.stringify(removed)},"put":[${put.join(',')}]}`;
}
