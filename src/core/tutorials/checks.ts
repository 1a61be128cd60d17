import { z } from 'zod';

/** What a value at a path must be: exactly this, one of these, between two numbers, or there at all. */
export const expectation = z.union([
  z.string(), z.number(), z.boolean(),
  z.strictObject({ oneOf: z.array(z.union([z.string(), z.number()])).min(1) }),
  z.strictObject({ between: z.tuple([z.number(), z.number()]) }),
  z.strictObject({ exists: z.boolean() }),
]);
export type Expectation = z.infer<typeof expectation>;

const requests = {
  /** Name of the service that was asked, or the `app` of who answered. */
  service: z.string().exactOptional(),
  /** `app` of who asked. */
  from: z.string().exactOptional(),
  version: z.string().exactOptional(),
  /** Part of the path and query. */
  path: z.string().exactOptional(),
  /** `200`, or a class: `5xx`. */
  status: z.union([z.number().int(), z.string().regex(/^[1-5]xx$/)]).exactOptional(),
  flags: z.array(z.string()).exactOptional(),
  mtls: z.boolean().exactOptional(),
  /** At least this many retries. */
  retries: z.number().int().exactOptional(),
  /** Took at least this many milliseconds. */
  slowerThan: z.number().exactOptional(),
  /** Whose report counts; the caller's unless it has no sidecar. */
  reporter: z.enum(['source', 'destination']).default('source'),
};
/** Seconds that are looked back. */
const within = z.number().min(1).max(300).default(20);

const say = z.string().exactOptional();

/** The closed set of things that a step can be checked by. Each holds or does not; words for what is missing come from `words.ts`, or from `say`. */
export const check = z.union([
  z.strictObject({ resource: z.strictObject({ kind: z.string(), name: z.string().exactOptional(), namespace: z.string().exactOptional(), host: z.string().exactOptional(), has: z.record(z.string(), expectation).default({}) }), say }),
  z.strictObject({ noResource: z.strictObject({ kind: z.string(), host: z.string().exactOptional(), namespace: z.string().exactOptional(), has: z.record(z.string(), expectation).default({}) }), say }),
  z.strictObject({ traffic: z.strictObject({ ...requests, within, atLeast: z.number().int().min(1).default(1) }), say }),
  z.strictObject({ noTraffic: z.strictObject({ ...requests, within, among: z.number().int().min(1).default(20) }), say }),
  z.strictObject({ share: z.strictObject({ service: z.string(), version: z.string(), between: z.tuple([z.number(), z.number()]), within, among: z.number().int().min(1).default(20) }), say }),
  z.strictObject({ pod: z.strictObject({ app: z.string(), version: z.string().exactOptional() }), say }),
]);
export type Check = z.infer<typeof check>;
export type ResourceCheck = Extract<Check, { resource: unknown }>['resource'];
export type RequestFilter = Pick<Extract<Check, { traffic: unknown }>['traffic'], keyof typeof requests>;
