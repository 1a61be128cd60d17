/** Weights by version; they sum to 100. */
export type Weights = Readonly<Record<string, number>>;

/** The weights that are in force: what the rules say, else an even split. */
export function currentWeights(versions: readonly string[], written: Weights | undefined): Weights {
  if (written !== undefined) return balance(Object.fromEntries(versions.map(version => [version, written[version] ?? 0])));
  return balance(Object.fromEntries(versions.map(version => [version, 1])));
}

/** Sets one weight; the others share what is left in the proportions that they have (evenly when they have none). */
export function setWeight(weights: Weights, version: string, value: number): Weights {
  const wanted = Math.max(0, Math.min(100, Math.round(value)));
  const others = Object.entries(weights).filter(([name]) => name !== version);
  if (others.length === 0) return { [version]: 100 };
  const shared = apportion(others.map(([, weight]) => weight), 100 - wanted);
  const next = new Map(others.map(([name], index) => [name, shared[index] ?? 0]));
  return Object.fromEntries(Object.keys(weights).map(name => [name, name === version ? wanted : next.get(name) ?? 0]));
}

/** The same proportions as whole numbers that sum to 100. */
export function balance(weights: Weights): Weights {
  const entries = Object.entries(weights);
  const shared = apportion(entries.map(([, weight]) => weight), 100);
  return Object.fromEntries(entries.map(([name], index) => [name, shared[index] ?? 0]));
}

/** Shares a total in proportion, in whole numbers, by largest remainder. */
export function apportion(parts: readonly number[], total: number): readonly number[] {
  const sum = parts.reduce((all, part) => all + part, 0);
  const exact = parts.map(part => (sum === 0 ? total / parts.length : (part / sum) * total));
  const whole = exact.map(Math.floor);
  let left = total - whole.reduce((all, part) => all + part, 0);
  const order = exact.map((value, index) => ({ index, rest: value - Math.floor(value) })).sort((one, two) => two.rest - one.rest || one.index - two.index);
  for (const { index } of order) {
    if (left <= 0) break;
    whole[index] = (whole[index] ?? 0) + 1;
    left -= 1;
  }
  return whole;
}

/** True when two sets of weights say the same. */
export function sameWeights(one: Weights, two: Weights): boolean {
  return [...new Set([...Object.keys(one), ...Object.keys(two)])].every(name => (one[name] ?? 0) === (two[name] ?? 0));
}
