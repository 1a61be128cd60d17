import type { ResourceType } from '../../xds/index.ts';
import { resourceType } from '../ads/resources.ts';
import type { AdsRequest, Interest, Push } from '../ads/session.ts';
import type { Codec, DeltaDiscoveryRequestMessage, DiscoveryRequestMessage, NodeMessage } from './codec.ts';

/** Reads and writes the messages of one stream, and remembers what their meaning depends on. */
export interface StreamWire {
  readonly delta: boolean;
  /** Throws on bytes that are no message; `undefined` for a type that we do not serve. */
  read(bytes: Uint8Array): { readonly node: NodeMessage | undefined; readonly request: AdsRequest | undefined };
  write(push: Push): Buffer;
}

/** Names that one client may ask for, of one type; and the length of a name. */
const maxNames = 10_000;
const maxName = 2048;

/** Types that an empty list of names asks all of. Source: envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol, "How the client specifies what resources to return". */
const wildcards: readonly ResourceType[] = ['cluster', 'listener', 'names'];

/** State of the world: each request lists all names. */
export function sotwWire(codec: Codec): StreamWire {
  const named = new Set<ResourceType>();
  const seen = new Set<ResourceType>();
  return {
    delta: false,
    read: (bytes) => {
      const message: DiscoveryRequestMessage = codec.readDiscoveryRequest(bytes);
      const type = resourceType(message.typeUrl);
      if (type === undefined) return { node: message.node, request: undefined };
      const interest = interestOf(type, message.resourceNames, named);
      const fresh = !seen.has(type) || message.responseNonce === '';
      seen.add(type);
      return { node: message.node, request: { type, fresh, interest, nonce: message.responseNonce, has: message.versionInfo, error: message.errorDetail } };
    },
    write: ({ type, set, nonce }) => codec.discoveryResponse({ type, versionInfo: set.version, nonce, resources: [...set.resources.values()] }),
  };
}

/** `*` is everything; no name at all is everything too, until the client has named something. */
function interestOf(type: ResourceType, names: readonly string[], named: Set<ResourceType>): Interest {
  if (names.includes('*')) return 'all';
  if (names.length === 0) return wildcards.includes(type) && !named.has(type) ? 'all' : new Set();
  named.add(type);
  return sorted(names);
}

function sorted(names: Iterable<string>): ReadonlySet<string> {
  const all = [...new Set(names)];
  if (all.length > maxNames || all.some((name) => name.length > maxName)) throw new RangeError(`More than ${maxNames} names of a type, or one of more than ${maxName} characters.`);
  return new Set(all.sort());
}

/** Incremental: requests and responses carry changes. */
export function deltaWire(codec: Codec): StreamWire {
  const interests = new Map<ResourceType, { all: boolean; readonly names: Set<string> }>();
  const toldMissing = new Map<ResourceType, Set<string>>();
  return {
    delta: true,
    read: (bytes) => {
      const message = codec.readDeltaRequest(bytes);
      const type = resourceType(message.typeUrl);
      if (type === undefined) return { node: message.node, request: undefined };
      const known = interests.get(type);
      const state = known ?? { all: message.resourceNamesSubscribe.length === 0 && wildcards.includes(type), names: new Set<string>() };
      interests.set(type, state);
      apply(state, message);
      for (const name of message.resourceNamesSubscribe) toldMissing.get(type)?.delete(name);
      const has = new Map(Object.entries(message.initialResourceVersions));
      return { node: message.node, request: { type, fresh: known === undefined, interest: state.all ? 'all' : sorted(state.names), nonce: message.responseNonce, has, error: message.errorDetail } };
    },
    write: ({ type, set, before, interest, nonce }) => {
      const told = toldMissing.get(type) ?? new Set<string>();
      toldMissing.set(type, told);
      const { changed, removed: gone } = before === undefined ? { changed: [...set.resources.values()], removed: [] } : set.since(before);
      const missing = interest === 'all' ? [] : [...interest].filter((name) => !set.resources.has(name) && !told.has(name));
      for (const name of missing) told.add(name);
      for (const { name } of changed) told.delete(name);
      return codec.deltaResponse({ type, systemVersionInfo: set.version, nonce, resources: changed, removed: [...new Set([...gone, ...missing])] });
    },
  };
}

function apply(state: { all: boolean; readonly names: Set<string> }, { resourceNamesSubscribe, resourceNamesUnsubscribe }: DeltaDiscoveryRequestMessage): void {
  for (const name of resourceNamesSubscribe) {
    if (name === '*') state.all = true;
    else state.names.add(name);
  }
  for (const name of resourceNamesUnsubscribe) {
    if (name === '*') state.all = false;
    else state.names.delete(name);
  }
}
