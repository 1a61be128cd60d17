import { z } from 'zod';
import { Double, Duration, Int64, Text, TextList, UInt32, chosen, notRun } from '../../util/manifest-fields.ts';

/** What the hash is made from. */
export type HashKey =
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'cookie'; readonly name: string; readonly path: string; readonly ttl?: number; readonly attributes: readonly { readonly name: string; readonly value: string }[] }
  | { readonly kind: 'sourceIp'; readonly enabled: boolean }
  | { readonly kind: 'queryParameter'; readonly name: string };

/** The hash table: Envoy's ring hash or Maglev, with its size where written. */
export type HashTable = { readonly kind: 'ringHash'; readonly minimumRingSize?: number } | { readonly kind: 'maglev'; readonly tableSize?: number };

const HTTPCookie = z.object({ name: Text, path: Text, ttl: Duration.exactOptional(), attributes: z.array(z.object({ name: Text, value: Text })).default([]) });

/** Istio's ConsistentHashLB. */
export const ConsistentHash = z
  .object({
    httpHeaderName: z.string().exactOptional(),
    httpCookie: HTTPCookie.exactOptional(),
    useSourceIp: z.boolean().exactOptional(),
    httpQueryParameterName: z.string().exactOptional(),
    minimumRingSize: Int64.exactOptional(),
    ringHash: z.object({ minimumRingSize: Int64.exactOptional() }).exactOptional(),
    maglev: z.object({ tableSize: Int64.exactOptional() }).exactOptional(),
  })
  .transform((hash, context): { key?: HashKey; table: HashTable } => {
    const keys = chosen(hash, ['httpHeaderName', 'httpCookie', 'useSourceIp', 'httpQueryParameterName']);
    if (keys.length > 1) context.addIssue({ code: 'custom', message: `only one hash key may be set, not ${keys.join(' and ')}` });
    if (hash.ringHash !== undefined && hash.maglev !== undefined) context.addIssue({ code: 'custom', message: 'only one of ringHash and maglev may be set' });
    const size = hash.ringHash?.minimumRingSize ?? hash.minimumRingSize;
    const table: HashTable = hash.maglev === undefined ? { kind: 'ringHash', ...(size !== undefined && { minimumRingSize: size }) } : { kind: 'maglev', ...hash.maglev };
    const key = hashKey(hash);
    return key === undefined ? { table } : { key, table };
  });
export type ConsistentHash = z.output<typeof ConsistentHash>;

function hashKey(hash: { readonly httpHeaderName?: string; readonly httpCookie?: z.output<typeof HTTPCookie>; readonly useSourceIp?: boolean; readonly httpQueryParameterName?: string }): HashKey | undefined {
  if (hash.httpHeaderName !== undefined) return { kind: 'header', name: hash.httpHeaderName };
  if (hash.httpCookie !== undefined) return { kind: 'cookie', ...hash.httpCookie };
  if (hash.useSourceIp !== undefined) return { kind: 'sourceIp', enabled: hash.useSourceIp };
  if (hash.httpQueryParameterName !== undefined) return { kind: 'queryParameter', name: hash.httpQueryParameterName };
  return undefined;
}

/** Istio's LocalityLoadBalancerSetting. */
export const LocalityLbSetting = z.object({
  distribute: z.array(z.object({ from: Text, to: z.record(z.string(), UInt32).default({}) })).default([]),
  failover: z.array(z.object({ from: Text, to: Text })).default([]),
  failoverPriority: TextList,
  enabled: z.boolean().exactOptional(),
});
export type LocalityLbSetting = z.output<typeof LocalityLbSetting>;

/** Istio's SimpleLB names. */
export const simplePolicies = ['UNSPECIFIED', 'LEAST_CONN', 'RANDOM', 'PASSTHROUGH', 'ROUND_ROBIN', 'LEAST_REQUEST'] as const;
export type SimplePolicy = (typeof simplePolicies)[number];

/** Slow start of new endpoints. */
const Warmup = z.object({ duration: Duration.exactOptional(), minimumPercent: Double.exactOptional(), aggression: Double.exactOptional() });

/** How an endpoint is chosen. `simple` and `consistentHash` are one or the other. Source: istio.io, DestinationRule, LoadBalancerSettings. */
export const LoadBalancerSettings = z
  .object({
    simple: z.enum(simplePolicies).exactOptional(),
    consistentHash: ConsistentHash.exactOptional(),
    localityLbSetting: LocalityLbSetting.exactOptional(),
    warmupDurationSecs: Duration.exactOptional(),
    warmup: Warmup.exactOptional(),
    backendUtilization: notRun('the lab’s endpoints do not report their load'),
    zoneAwareLbSetting: notRun('the lab has one zone'),
  })
  .refine((settings) => settings.simple === undefined || settings.consistentHash === undefined, 'only one of simple and consistentHash may be set');
export type LoadBalancerSettings = z.output<typeof LoadBalancerSettings>;
