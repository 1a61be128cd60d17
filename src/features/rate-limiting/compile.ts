import { unitSeconds, type RateLimitDescriptor, type RateLimitDomain, type RateLimitUnit } from './manifest.ts';

/** What a request is described by: pairs of key and value, in order. */
export type DescriptorEntries = readonly (readonly [key: string, value: string])[];

/** The limit that holds for a descriptor. */
export interface FoundLimit {
  /** What requests are counted under. */
  readonly counter: string;
  readonly unit: RateLimitUnit;
  /** Length of the unit, seconds. */
  readonly seconds: number;
  readonly requests: number;
  readonly name: string;
  readonly shadow: boolean;
}

/**
 * The limit of a descriptor: the whole of it is followed down, at each level an exact value before a prefix before a key for any value;
 * `undefined` where there is none or it is unlimited. Source: github.com/envoyproxy/ratelimit, "Descriptor list definition".
 */
export function findLimit({ domain, descriptors }: RateLimitDomain, entries: DescriptorEntries): FoundLimit | undefined {
  let level: readonly RateLimitDescriptor[] = descriptors;
  let found: RateLimitDescriptor | undefined;
  const counted: string[] = [];
  for (const [key, value] of entries) {
    found = level.find((one) => one.key === key && one.value === value && value !== '')
      ?? level.find((one) => one.key === key && one.value.endsWith('*') && value.startsWith(one.value.slice(0, -1)))
      ?? level.find((one) => one.key === key && one.value === '');
    if (found === undefined) return undefined;
    counted.push(`${key}_${found.value.endsWith('*') ? found.value : value}`);
    level = found.descriptors;
  }
  if (found?.limit === undefined || found.limit === 'unlimited') return undefined;
  const { unit, requests, name } = found.limit;
  return { counter: [domain, ...counted].join('\u0000'), unit, seconds: unitSeconds[unit], requests, name, shadow: found.shadow };
}
