/** Inputs of a result. The first is an object, or a string that names one; the others are compared by identity, or by value when they are no objects. */
type Inputs = readonly [owner: object | string, ...further: unknown[]];

/** Results that are not made twice from the same inputs. */
export interface Recall {
  /**
   * What `make` gives for these inputs, made now or before. `make` must be pure, look at nothing but its inputs, and be the same function each time:
   * one that stands in a module, not one written in place. What it returns must not be changed.
   */
  of<Given extends Inputs, Result>(make: (...inputs: Given) => Result, ...inputs: Given): Result;
  /** Says that a new snapshot begins. Forgotten is what neither it nor the one before it uses, but for what a result was made from that is still remembered. */
  next(): Recall;
  /** How often each function had to be called since the snapshot began, by its name. */
  made(): ReadonlyMap<string, number>;
}

interface Entry {
  readonly inputs: Inputs;
  readonly result: unknown;
  /** What was asked for while it was made. */
  readonly parts: readonly Entry[];
  /** The number of the snapshot that used it last. */
  used: number;
}

/** Results of one function: by first input, and by those of the inputs that are no objects. */
type Results = Map<object | string, Map<string, Entry[]>>;

/** Begins to remember. */
export function createRecall(): Recall {
  const functions = new Map<unknown, Results>();
  let snapshot = 0;
  /** Of the result that is being made. */
  let parts: Entry[] | undefined;
  let made = new Map<string, number>();

  function entryOf<Given extends Inputs>(make: (...inputs: Given) => unknown, inputs: Given): Entry {
    const outer = parts;
    const own: Entry[] = parts = [];
    try {
      made.set(make.name, (made.get(make.name) ?? 0) + 1);
      return { inputs, result: make(...inputs), parts: own, used: snapshot };
    } finally {
      parts = outer;
    }
  }

  const recall: Recall = {
    of: (make, ...inputs) => {
      const entries = within(within(within(functions, make, (): Results => new Map()), inputs[0], () => new Map<string, Entry[]>()), valuesOf(inputs), (): Entry[] => []);
      let entry = entries.find((candidate) => same(candidate.inputs, inputs));
      if (entry === undefined) entries.push(entry = entryOf(make, inputs));
      entry.used = snapshot;
      parts?.push(entry);
      return entry.result as ReturnType<typeof make>;
    },
    next: () => {
      for (const results of functions.values()) useParts(results, snapshot);
      for (const results of functions.values()) forget(results, snapshot);
      snapshot++;
      made = new Map();
      return recall;
    },
    made: () => made,
  };
  return recall;
}

/** What a snapshot used was made from results that it did not have to ask for; the next one may. */
function useParts(results: Results, snapshot: number): void {
  for (const byValues of results.values()) {
    for (const entries of byValues.values()) for (const entry of entries) if (entry.used === snapshot) markParts(entry, snapshot);
  }
}

function markParts({ parts }: Entry, snapshot: number): void {
  for (const part of parts) {
    if (part.used >= snapshot) continue;
    part.used = snapshot;
    markParts(part, snapshot);
  }
}

/** Drops what was last used before a snapshot. */
function forget(results: Results, snapshot: number): void {
  for (const [owner, byValues] of results) {
    for (const [values, entries] of byValues) {
      if (entries.every(({ used }) => used >= snapshot)) continue;
      const left = entries.filter(({ used }) => used >= snapshot);
      if (left.length === 0) byValues.delete(values);
      else byValues.set(values, left);
    }
    if (byValues.size === 0) results.delete(owner);
  }
}

function within<Key, Value>(map: Map<Key, Value>, key: Key, empty: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = empty();
  map.set(key, made);
  return made;
}

/** So that entries that differ in a name or a number are not compared one by one. */
function valuesOf(inputs: Inputs): string {
  let values = '';
  for (const input of inputs) if (typeof input !== 'object') values += `${String(input)}\n`;
  return values;
}

function same(a: Inputs, b: Inputs): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (!Object.is(a[at], b[at])) return false;
  return true;
}
