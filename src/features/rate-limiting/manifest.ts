import { z } from 'zod';

/** The periods that requests are counted over, in seconds. */
export const unitSeconds = { second: 1, minute: 60, hour: 3600, day: 86_400, week: 604_800, month: 2_592_000, year: 31_536_000 } as const;
export type RateLimitUnit = keyof typeof unitSeconds;

const units = Object.keys(unitSeconds) as [RateLimitUnit, ...RateLimitUnit[]];
const Limit = z.object({
  unit: z.string().transform((text) => text.toLowerCase()).pipe(z.enum(units)).exactOptional(),
  requests_per_unit: z.number().int().min(0).exactOptional(),
  unlimited: z.boolean().default(false),
  name: z.string().default(''),
}).refine(({ unit, requests_per_unit: requests, unlimited }) => unlimited || (unit !== undefined && requests !== undefined), 'a rate_limit needs unit and requests_per_unit, or unlimited: true');

/** One level of descriptors: a key, with a value or for each value of its own, and the limit that holds there. */
export interface RateLimitDescriptor {
  readonly key: string;
  /** Empty: any value, each counted by itself. A trailing `*` means all values that begin like this, counted together. */
  readonly value: string;
  readonly limit?: { readonly unit: RateLimitUnit; readonly requests: number; readonly name: string } | 'unlimited';
  /** Counted, but never enforced. */
  readonly shadow: boolean;
  readonly descriptors: readonly RateLimitDescriptor[];
}

const Descriptor: z.ZodType<RateLimitDescriptor, unknown> = z.lazy(() => z
  .object({ key: z.string().min(1), value: z.union([z.string(), z.number(), z.boolean()]).transform(String).default(''), rate_limit: Limit.exactOptional(), shadow_mode: z.boolean().default(false), descriptors: z.array(Descriptor).default([]) })
  .transform(({ key, value, rate_limit: limit, shadow_mode: shadow, descriptors }): RateLimitDescriptor => ({
    key, value, shadow, descriptors,
    ...(limit === undefined ? {} : { limit: limit.unlimited || limit.unit === undefined ? 'unlimited' as const : { unit: limit.unit, requests: limit.requests_per_unit ?? 0, name: limit.name } }),
  })));

/** A domain of Envoy's rate limit service, as its configuration file writes it. Source: github.com/envoyproxy/ratelimit, "Configuration". */
export const RateLimitDomain = z.object({ domain: z.string().min(1), descriptors: z.array(Descriptor).default([]) });
export type RateLimitDomain = z.output<typeof RateLimitDomain>;
