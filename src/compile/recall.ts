/** Inputs of a result. The first is an object, or a string that names one; the others are compared by identity, or by value when they are no objects. */
type Inputs = readonly [owner: object | string, ...further: unknown[]];

/** Results that are not made twice from the same inputs. */
export interface Recall {
  /**
   * What `make` gives for these inputs, made now or before. `make` must be pure, look at nothing but its inputs, and be the same function each time:
   * one that stands in a module, not one written in place. What it returns must not be changed.
   */
  of<Given extends Inputs, Result>(make: (...inputs: Given) => Result, ...inputs: Given): Result;
  /** For the next snapshot: it has the results of this one, and only those that it uses are there for the one after it. */
  next(): Recall;
}

interface Entry {
  readonly inputs: Inputs;
  readonly result: unknown;
}

/** By function, by first input, and by those of the inputs that are no objects. */
type Entries = Map<unknown, Map<object | string, Map<string, Entry[]>>>;

/** Begins to remember. */
export function createRecall(former: Entries = new Map()): Recall {
  const used: Entries = new Map();
  return {
    of: (make, ...inputs) => {
      const values = valuesOf(inputs);
      const entries = entriesOf(used, make, inputs[0], values);
      const known = entries.find((entry) => same(entry.inputs, inputs));
      if (known !== undefined) return known.result as ReturnType<typeof make>;
      const before = former.get(make)?.get(inputs[0])?.get(values)?.find((entry) => same(entry.inputs, inputs));
      const entry = before ?? { inputs, result: make(...inputs) };
      entries.push(entry);
      return entry.result as ReturnType<typeof make>;
    },
    next: () => createRecall(used),
  };
}

function entriesOf(all: Entries, make: unknown, owner: object | string, values: string): Entry[] {
  return within(within(within(all, make, () => new Map<object | string, Map<string, Entry[]>>()), owner, () => new Map<string, Entry[]>()), values, (): Entry[] => []);
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
