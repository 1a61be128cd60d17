import { z } from 'zod';
import { Double, Duration, Int64, PositiveDuration, Text, TextList, UInt32, chosen } from '../../util/manifest-fields.ts';
import { atMostOne, required, ruled, within } from '../../util/manifest-rules.ts';

/** What the hash is made from. */
export type HashKey =
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'cookie'; readonly name: string; readonly path: string; readonly ttl?: number; readonly attributes: readonly { readonly name: string; readonly value: string }[] }
  | { readonly kind: 'sourceIp'; readonly enabled: boolean }
  | { readonly kind: 'queryParameter'; readonly name: string };

/** The hash table: Envoy's ring hash or Maglev, with its size where written. */
export type HashTable = { readonly kind: 'ringHash'; readonly minimumRingSize?: number } | { readonly kind: 'maglev'; readonly tableSize?: number };

const HTTPCookie = ruled(z.object({ name: Text, path: Text, ttl: Duration.exactOptional(), attributes: z.array(ruled(z.object({ name: Text, value: Text }), required('name'))).default([]) }), required('name'));
const size = ruled(Int64, within(0, Infinity));

/** Istio's ConsistentHashLB. */
export const ConsistentHash = z
  .object({
    httpHeaderName: z.string().exactOptional(),
    httpCookie: HTTPCookie.exactOptional(),
    useSourceIp: z.boolean().exactOptional(),
    httpQueryParameterName: z.string().exactOptional(),
    minimumRingSize: size.exactOptional(),
    ringHash: z.object({ minimumRingSize: size.exactOptional() }).exactOptional(),
    maglev: z.object({ tableSize: size.exactOptional() }).exactOptional(),
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
const Warmup = ruled(z.object({ duration: PositiveDuration.exactOptional(), minimumPercent: ruled(Double, within(0, 100)).exactOptional(), aggression: ruled(Double, within(0, Infinity)).exactOptional() }), required('duration'));

/** Load that endpoints report. */
const BackendUtilization = z.object({ weightStabilizationPeriod: Duration.exactOptional(), weightExpirationPeriod: Duration.exactOptional(), weightUpdatePeriod: Duration.exactOptional(), errorUtilizationPenaltyPercent: UInt32.exactOptional(), metricNamesForComputingUtilization: TextList });
/** Zones of a region. */
const ZoneAware = z.object({ failover: z.array(z.object({ from: Text, to: Text })).default([]), failoverPriority: TextList, enabled: z.boolean().exactOptional(), minClusterSize: ruled(UInt32, within(1, Infinity)).exactOptional() });

/** How an endpoint is chosen. `simple` and `consistentHash` are one or the other. Source: istio.io, DestinationRule, LoadBalancerSettings. */
export const LoadBalancerSettings = z
  .object({
    simple: z.enum(simplePolicies).exactOptional(),
    consistentHash: ConsistentHash.exactOptional(),
    localityLbSetting: LocalityLbSetting.exactOptional(),
    warmupDurationSecs: PositiveDuration.exactOptional(),
    warmup: Warmup.exactOptional(),
    backendUtilization: BackendUtilization.meta({ notRun: 'the lab’s endpoints do not report their load' }).exactOptional(),
    zoneAwareLbSetting: ZoneAware.meta({ notRun: 'the lab has one zone' }).exactOptional(),
  })
  .refine((settings) => settings.simple === undefined || settings.consistentHash === undefined, 'only one of simple and consistentHash may be set')
  .meta({ rules: [atMostOne('simple', 'consistentHash', 'backendUtilization')] });
export type LoadBalancerSettings = z.output<typeof LoadBalancerSettings>;
