import { z } from 'zod';
import { forText, keys, length, noWildcard, required, ruled, type Rule } from './manifest-rules.ts';

/**
 * The forms that Istio's and Kubernetes' fields take in a manifest, each parsed once into one narrow shape.
 * Unset scalars become proto3's default (`''`, `0`, `false`, `[]`, `{}`), unset messages are absent.
 */

const duration = /^[+-]?((?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/u;
const unitMs: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1e3, m: 60e3, h: 3600e3 };

/** Reads a duration as Go does (`1.5s`, `1h30m`, `100ms`) into milliseconds; `undefined` when it is none. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (text.length > 64 || !duration.test(text)) return undefined;
  let total = 0;
  for (const [, value, unit] of text.matchAll(/(\d*\.?\d*)(ns|us|µs|μs|ms|s|m|h)/gu)) total += Number(value) * (unitMs[unit!] ?? 0);
  return text.startsWith('-') ? -total : total;
}

/** Milliseconds as proto3 JSON writes a Duration: `1.5s`. */
export function formatDuration(milliseconds: number): string {
  return `${Number((milliseconds / 1000).toFixed(9))}s`;
}

/** A duration, in milliseconds. */
export const Duration = z.string().transform((text, context) => {
  const milliseconds = parseDuration(text);
  if (milliseconds !== undefined) return milliseconds;
  context.addIssue({ code: 'custom', message: `“${text.slice(0, 60)}” is not a duration; write it like 5s, 1.5s, 100ms or 1h30m` });
  return z.NEVER;
});

const atLeastOneMillisecond: Rule = forText((text) => ((parseDuration(text) ?? 1) < 1 ? 'must be at least 1ms' : undefined));
/** A duration of at least a millisecond, in milliseconds. */
export const PositiveDuration = ruled(Duration, atLeastOneMillisecond);

/** A string; empty when unset. */
export const Text = z.string().default('');
/** A boolean; false when unset. */
export const Flag = z.boolean().default(false);

function integer(min: number, max: number, what: string): z.ZodType<number, number> {
  const message = `must be ${what}`;
  return z.number(message).refine((value) => Number.isInteger(value) && value >= min && value <= max, message);
}
/** proto3 `uint32`. */
export const UInt32 = integer(0, 4_294_967_295, 'a whole number from 0 to 4294967295');
/** proto3 `int32`. */
export const Int32 = integer(-2_147_483_648, 2_147_483_647, 'a whole number');
/** proto3 `int64`, as far as a JavaScript number is exact. */
export const Int64 = integer(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 'a whole number');
/** proto3 `double`. */
export const Double = z.number('must be a number');

/** Istio's Percent message, `{value: 0.1}`, as a number from 0 to 100. */
export const Percent = z.object({ value: Double.default(0) }).transform(({ value }) => value);

/** Base64 as Kubernetes and proto3 write bytes; the alphabet is checked, the text stays encoded. */
export const Base64 = z.string().refine((text) => /^[A-Za-z0-9+/\-_\s]*={0,2}\s*$/.test(text), 'must be base64');

/** Labels and the like. */
export const TextMap = z.record(z.string(), z.string()).default({});
/** A list of strings; empty when unset. */
export const TextList = z.array(z.string()).default([]);

/** A field by name (`http`) or number. */
export const IntOrString = z.union([z.number().int(), z.string()], 'must be a number or a name');

/** How a string is compared. `any` is the empty message: the value only has to be there. */
export type StringMatch = { readonly kind: 'exact' | 'prefix' | 'regex'; readonly value: string } | { readonly kind: 'any' };

/** Istio's StringMatch: one of `exact`, `prefix`, `regex`, or `{}`. */
export const StringMatch = z
  .object({ exact: z.string().exactOptional(), prefix: z.string().exactOptional(), regex: z.string().exactOptional() })
  .transform((match, context): StringMatch => {
    const set = chosen(match, ['exact', 'prefix', 'regex']);
    if (set.length > 1) {
      context.addIssue({ code: 'custom', message: `may set only one of exact, prefix and regex, not ${set.join(' and ')}` });
      return z.NEVER;
    }
    const kind = set[0];
    return kind === undefined ? { kind: 'any' } : { kind, value: match[kind] ?? '' };
  });

/** Istio's Destination: a service, one of its subsets and ports. */
export const Destination = ruled(
  z.object({
    host: Text,
    subset: Text,
    port: z.object({ number: UInt32.default(0) }).exactOptional(),
  }),
  required('host'),
);
export type Destination = z.output<typeof Destination>;

/** The labels that choose workloads, as Istio's newer kinds write them. */
export const WorkloadSelector = z.object({
  matchLabels: ruled(
    z.record(z.string(), ruled(z.string(), noWildcard, length({ max: 63 }))).default({}),
    keys((key) => (key === '' ? 'has an empty key' : key.includes('*') ? `compares keys exactly; “${key}” has a wildcard` : undefined)),
    length({ max: 4096 }),
  ),
});
export type WorkloadSelector = z.output<typeof WorkloadSelector>;

/** The labels that choose workloads, as Istio's older kinds write them. */
export const LabelsSelector = z.object({ labels: ruled(z.record(z.string(), ruled(z.string(), noWildcard, length({ max: 63 }))).default({}), length({ max: 256 })) });
export type LabelsSelector = z.output<typeof LabelsSelector>;

/** A proto3 enum by name; the first is its default. */
export function protoEnum<const Names extends readonly [string, ...string[]]>(names: Names): z.ZodType<Names[number], Names[number] | undefined> {
  return z.enum(names).default(names[0] as never) as unknown as z.ZodType<Names[number], Names[number] | undefined>;
}

/** A field that Kubernetes or Istio knows and Weft does not run: accepted, and said once with `why`. */
export function notRun(why: string): z.ZodExactOptional<z.ZodUnknown> {
  return z.unknown().meta({ notRun: why }).exactOptional();
}

/** A field of which some values are not run: `why` says so, or is `undefined` for those that are. */
export function partlyRun<Schema extends z.ZodType>(schema: Schema, why: (value: unknown) => string | undefined): Schema {
  return schema.meta({ notRun: why });
}

/** A field that is accepted and has no meaning in a lab; nobody needs to be told. */
export const Accepted = z.unknown().exactOptional();

/** The names of a message that are set, in the order of `names`: more than one is an error in a proto3 `oneof`. */
export function chosen<Key extends string>(message: Readonly<Partial<Record<Key, unknown>>>, names: readonly Key[]): readonly Key[] {
  return names.filter((name) => message[name] !== undefined);
}
