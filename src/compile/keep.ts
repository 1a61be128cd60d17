/**
 * Whether two values say the same all the way down: lists, plain objects, maps and sets by content, everything else by identity.
 * Values must not contain themselves.
 */
export function alike(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const prototype: unknown = Object.getPrototypeOf(a);
  if (prototype !== Object.getPrototypeOf(b)) return false;
  if (Array.isArray(a)) return sameItems(a, b as readonly unknown[], alike);
  if (a instanceof Map) return sameMaps(a, b as ReadonlyMap<unknown, unknown>);
  if (a instanceof Set) return a.size === (b as ReadonlySet<unknown>).size && [...a].every((item) => (b as ReadonlySet<unknown>).has(item));
  return prototype === Object.prototype && sameFields(a as Fields, b as Fields);
}

type Fields = Readonly<Record<string, unknown>>;

function sameItems<Item>(a: readonly Item[], b: readonly Item[], same: (a: Item, b: Item) => boolean): boolean {
  return a.length === b.length && a.every((item, at) => same(item, b[at] as Item));
}

function sameMaps(a: ReadonlyMap<unknown, unknown>, b: ReadonlyMap<unknown, unknown>): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) if (!b.has(key) || !alike(value, b.get(key))) return false;
  return true;
}

function sameFields(a: Fields, b: Fields): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && alike(a[name], b[name]));
}

/** The former value where the new one says the same: who compares by identity sees that nothing has changed. */
export function kept<Value>(before: Value | undefined, after: Value): Value {
  return before !== undefined && alike(before, after) ? before : after;
}

/** A list with the former items where they say the same, found by a key; the former list itself where all of it does, the new one where none had to be replaced. */
export function keptList<Item>(before: readonly Item[] | undefined, after: readonly Item[], key: (item: Item) => string): readonly Item[] {
  if (before === undefined || before === after) return after;
  let byKey: ReadonlyMap<string, Item> | undefined;
  const known = (item: Item): Item | undefined => (byKey ??= new Map(before.map((one) => [key(one), one]))).get(key(item));
  // Most stay where they are, as the same object.
  const items = after.map((item, at) => (Object.is(before[at], item) ? item : kept(known(item), item)));
  return sameItems(before, items, Object.is) ? before : sameItems(after, items, Object.is) ? after : items;
}

/** A map with the former values where they say the same; the former map itself where all of it does, in the same order. */
export function keptMap<Key, Value>(before: ReadonlyMap<Key, Value> | undefined, after: ReadonlyMap<Key, Value>): ReadonlyMap<Key, Value> {
  if (before === undefined || before === after) return after;
  const map = new Map<Key, Value>();
  const former = before.keys();
  let unchanged = before.size === after.size;
  for (const [key, value] of after) {
    const known = before.get(key);
    const one = kept(known, value);
    map.set(key, one);
    unchanged &&= Object.is(one, known) && Object.is(former.next().value, key);
  }
  return unchanged ? before : map;
}
