import type { ConfigParts, ProxyConfig } from './discovery.ts';

/** The key below which a config names its parts. A symbol, because they are no part of the config itself. */
export const configParts: unique symbol = Symbol('parts');

/** A config whose listeners and clusters are those of many proxies and then its own. They are put together only when somebody looks: for most proxies nobody does. */
export function layeredConfig(common: ConfigParts['common'], own: ConfigParts['own'], rest: Pick<ProxyConfig, 'routes' | 'endpoints' | 'names'>): ProxyConfig {
  let listeners: ProxyConfig['listeners'] | undefined;
  let clusters: ProxyConfig['clusters'] | undefined;
  const config = {
    get listeners() { return (listeners ??= [...common.listeners, ...own.listeners]); },
    routes: rest.routes,
    get clusters() { return (clusters ??= [...common.clusters, ...own.clusters]); },
    endpoints: rest.endpoints,
    names: rest.names,
  };
  // Not enumerable: who copies a config to change a list does not copy what is not true of the copy.
  const parts: ConfigParts = { common, own };
  return Object.defineProperty(config, configParts, { value: parts });
}
