import { patchedTable, typeUrl, type DiscoveryRequest, type DiscoveryResponse, type ResourceType, type RouteConfiguration } from '../../xds/index.ts';

/** What is known of one type's config, for admin and for reconnecting. */
export interface TypeStatus {
  readonly version: string;
  /** Why the last response was rejected; empty when it was not. */
  readonly rejected: string;
}

/** The client side of ADS for all types of one proxy. */
export interface Subscriptions {
  /** Says what is in force, so that the server sends what is newer. Called after each connecting. */
  subscribe(): void;
  /** Applies a response and acknowledges or rejects it. Resolves when that has been said. */
  received(response: DiscoveryResponse): Promise<void>;
  status(type: ResourceType): TypeStatus;
}

export interface SubscriptionSettings {
  send(request: DiscoveryRequest): void;
  /** Puts the full set of a type in force; rejects with the reason when it cannot. */
  apply(type: ResourceType, resources: readonly unknown[]): Promise<void>;
  log(line: string): void;
}

/** Clusters before what refers to them: the order of make before break. */
const types = ['cluster', 'endpoint', 'listener', 'route', 'secret', 'names'] as const satisfies readonly ResourceType[];
const invalidArgument = 3;
const byUrl = new Map<string, ResourceType>(types.map((type) => [typeUrl[type], type]));

/** The name that a resource is known by on the wire; there is one table of names. */
function resourceName(type: ResourceType, resource: unknown): string {
  const named = typeof resource === 'object' && resource !== null ? (resource as { readonly name?: unknown; readonly clusterName?: unknown }) : {};
  return type === 'names' ? 'names' : String((type === 'endpoint' ? named.clusterName : named.name) ?? '');
}

/**
 * Subscribes to all types. A response is acknowledged when it is in force, rejected with its reason otherwise; then the last good version
 * stays and is what the rejection names. Responses of one type are applied one after the other; listeners may wait for routes meanwhile.
 */
export function createSubscriptions(settings: SubscriptionSettings): Subscriptions {
  const status = new Map<ResourceType, TypeStatus>(types.map((type) => [type, { version: '', rejected: '' }]));
  /** By name. */
  const inForce = new Map<ResourceType, ReadonlyMap<string, unknown>>();
  const busy = new Map<ResourceType, Promise<void>>();
  const known = (type: ResourceType): TypeStatus => status.get(type) ?? { version: '', rejected: '' };

  /** The full set that a response leads to; `undefined` when it is made for another version than the one in force. */
  const wholeSet = (type: ResourceType, { resources, since, removed = [], patches = [] }: DiscoveryResponse): ReadonlyMap<string, unknown> | undefined => {
    if (!Array.isArray(resources) || !Array.isArray(removed) || !Array.isArray(patches)) throw new Error('The response has no list of resources.');
    const before = inForce.get(type);
    if (since !== undefined && (since !== known(type).version || before === undefined)) return undefined;
    const next = new Map(since === undefined ? [] : before);
    for (const name of removed) next.delete(name);
    for (const resource of resources as readonly unknown[]) next.set(resourceName(type, resource), resource);
    for (const patch of patches as NonNullable<DiscoveryResponse['patches']>) {
      const table = next.get(patch.name);
      if (table === undefined) return undefined;
      next.set(patch.name, patchedTable(table as RouteConfiguration, patch));
    }
    return next;
  };

  const handle = async (type: ResourceType, response: DiscoveryResponse): Promise<void> => {
    const { typeUrl: url, versionInfo, nonce } = response;
    try {
      const next = wholeSet(type, response);
      if (next === undefined) {
        status.set(type, { version: '', rejected: '' });
        settings.send({ typeUrl: url, versionInfo: '', responseNonce: '' });
        return;
      }
      await settings.apply(type, [...next.values()]);
      inForce.set(type, next);
      status.set(type, { version: versionInfo, rejected: '' });
      settings.send({ typeUrl: url, versionInfo, responseNonce: nonce });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      status.set(type, { version: known(type).version, rejected: message });
      settings.log(`rejected ${type} ${versionInfo}: ${message}`);
      settings.send({ typeUrl: url, versionInfo: known(type).version, responseNonce: nonce, errorDetail: { code: invalidArgument, message } });
    }
  };
  return {
    subscribe: () => { for (const type of types) settings.send({ typeUrl: typeUrl[type], versionInfo: known(type).version, responseNonce: '' }); },
    received(response) {
      const type = byUrl.get(response.typeUrl);
      if (type === undefined) {
        settings.send({ typeUrl: response.typeUrl, versionInfo: '', responseNonce: response.nonce, errorDetail: { code: invalidArgument, message: 'This type was not asked for.' } });
        return Promise.resolve();
      }
      const turn = (busy.get(type) ?? Promise.resolve()).then(() => handle(type, response));
      busy.set(type, turn);
      return turn;
    },
    status: known,
  };
}
