/** Proto3 JSON as plain data. */
export type Json = Readonly<Record<string, unknown>>;

const isMap = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const snake = /^[a-z][a-z0-9]*(_[a-z0-9]+)+$/;
/** Fields whose keys are the user's, not a message's. */
const maps = new Set(['filterMetadata', 'typedFilterMetadata', 'typedPerFilterConfig', 'typedExtensionProtocolOptions', 'environment', 'fields']);

/** A patch's value in the form of our wire: camelCase field names, a TypedStruct unpacked into the message that it stands for. */
export function normalized(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalized);
  if (!isMap(value)) return value;
  const type = value['@type'];
  if (typeof type === 'string' && /(^|[./])TypedStruct$/.test(type)) {
    return { '@type': value['type_url'] ?? value['typeUrl'], ...(normalized(value['value'] ?? {}) as Json) };
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => {
    const name = snake.test(key) ? key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()) : key;
    if (name === 'filterMetadata') return [name, item];
    return [name, maps.has(name) && isMap(item) ? Object.fromEntries(Object.entries(item).map(([own, inner]) => [own, normalized(inner)])) : normalized(item)];
  }));
}

/** Fields of which a message has only one: setting another takes the first away. Source: Envoy's protos. */
const oneofs: readonly (readonly string[])[] = [
  ['route', 'redirect', 'directResponse', 'filterAction', 'nonForwardingAction'],
  ['rds', 'routeConfig', 'scopedRoutes'],
  ['type', 'clusterType'],
  ['cluster', 'clusterHeader', 'weightedClusters'],
  ['prefix', 'path', 'safeRegex', 'connectMatcher', 'pathSeparatedPrefix', 'pathMatchPolicy'],
  ['hostRewriteLiteral', 'autoHostRewrite', 'hostRewriteHeader', 'hostRewritePathRegex'],
];

/** Merges as protobuf does: scalars are replaced, messages merged, lists appended, or replaced where `lists` says so. */
export function merged(into: unknown, from: unknown, lists: 'append' | 'replace' = 'append'): unknown {
  if (Array.isArray(from)) return Array.isArray(into) && lists === 'append' ? [...into, ...from] : from;
  if (!isMap(from) || !isMap(into)) return from;
  if (from['@type'] !== undefined && into['@type'] !== undefined && from['@type'] !== into['@type']) return from;
  const excluded = new Set(oneofs.filter((group) => group.some((name) => from[name] !== undefined)).flatMap((group) => group.filter((name) => from[name] === undefined)));
  const kept = Object.entries(into).filter(([key]) => !excluded.has(key) || isMap(from[key]));
  return { ...Object.fromEntries(kept), ...Object.fromEntries(Object.entries(from).map(([key, item]) => [key, into[key] === undefined ? item : merged(into[key], item, lists)])) };
}

/** What a patch does to the items of an ordered list. */
export interface ListEdit {
  readonly operation: string;
  readonly value: unknown;
  /** Chooses the items that are meant; `undefined` means that the patch names none. */
  readonly anchor: ((item: Json) => boolean) | undefined;
  /** Where ADD puts a new item; the end when it is not said. */
  readonly addBefore?: (item: Json) => boolean;
}

/** Applies a patch to a list. Without an anchor, before is the start and after is the end; an anchor that is not there changes nothing. */
export function edited(items: readonly Json[], { operation, value, anchor, addBefore }: ListEdit): readonly Json[] {
  const meant = anchor ?? (() => true);
  const at = anchor === undefined ? -1 : items.findIndex(anchor);
  const insert = (index: number): readonly Json[] => [...items.slice(0, index), value as Json, ...items.slice(index)];
  switch (operation) {
    case 'ADD': {
      const before = addBefore === undefined ? -1 : items.findIndex(addBefore);
      return insert(before < 0 ? items.length : before);
    }
    case 'INSERT_FIRST': return insert(0);
    case 'INSERT_BEFORE': return anchor === undefined ? insert(0) : at < 0 ? items : insert(at);
    case 'INSERT_AFTER': return anchor === undefined ? insert(items.length) : at < 0 ? items : insert(at + 1);
    case 'MERGE': return items.map((item) => (meant(item) ? (merged(item, value) as Json) : item));
    case 'MERGE_AND_REPLACE_LIST': return items.map((item) => (meant(item) ? (merged(item, value, 'replace') as Json) : item));
    case 'REPLACE': return items.map((item) => (anchor !== undefined && meant(item) ? (value as Json) : item));
    case 'REMOVE': return items.filter((item) => !meant(item));
    default: return items;
  }
}
