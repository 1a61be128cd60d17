import type { LabStatus, RequestRecord } from '../../contract/index.ts';
import type { Check, Expectation, RequestFilter, ResourceCheck } from './checks.ts';
import { describe } from './words.ts';

/** What checks look at. All of it was observed: nothing comes from the learner's word. */
export interface Facts {
  /** Bodies of the lab's resources, as `LabApi.get` gives them. */
  readonly resources: readonly Readonly<Record<string, unknown>>[];
  /** Requests since the step began, in any order. */
  readonly records: readonly RequestRecord[];
  readonly status: LabStatus | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** A check's outcome; `missing` is what it waits for, in words. */
export type Outcome = { readonly holds: true } | { readonly holds: false; readonly missing: string };

/** Evaluates one check. Pure. */
export function evaluate(check: Check, facts: Facts): Outcome {
  const seen = measure(check, facts);
  return seen.holds ? { holds: true } : { holds: false, missing: check.say === undefined ? describe(check, seen) : `${check.say}${progress(seen)}` };
}

/** How far a check has come, for the words. */
export interface Measured {
  readonly holds: boolean;
  readonly have?: number;
  readonly need?: number;
  /** Share that was seen, 0 to 1. */
  readonly share?: number;
}

function progress({ have, need }: Measured): string {
  return have === undefined || need === undefined || need <= 1 ? '' : ` (${Math.min(have, need)} of ${need})`;
}

function measure(check: Check, facts: Facts): Measured {
  if ('resource' in check) return { holds: facts.resources.some((body) => fits(body, check.resource)) };
  if ('noResource' in check) return { holds: !facts.resources.some((body) => fits(body, check.noResource)) };
  if ('traffic' in check) {
    const { within, atLeast, ...filter } = check.traffic;
    const have = recent(facts, within).filter((record) => matches(record, filter)).length;
    return { holds: have >= atLeast, have, need: atLeast };
  }
  if ('noTraffic' in check) {
    const { within, among, ...filter } = check.noTraffic;
    const all = recent(facts, within).filter((record) => matches(record, { reporter: filter.reporter, ...(filter.service === undefined ? {} : { service: filter.service }) }));
    const bad = all.filter((record) => matches(record, filter)).length;
    return { holds: bad === 0 && all.length >= among, have: bad === 0 ? all.length : 0, need: among };
  }
  if ('share' in check) {
    const { service, version, between: [low, high], within, among } = check.share;
    const answered = recent(facts, within).filter((record) => matches(record, { service, reporter: 'source' }) && record.destination.version !== '' && record.destination.pod !== '').slice(-Math.max(among * 5, 100));
    const share = answered.length === 0 ? 0 : answered.filter((record) => record.destination.version === version).length / answered.length;
    return { holds: answered.length >= among && share >= low && share <= high, have: answered.length, need: among, share };
  }
  const { app, version } = check.pod;
  return { holds: facts.status?.pods.some((pod) => pod.app === app && (version === undefined || pod.version === version) && pod.ready) === true };
}

function recent({ records, now }: Facts, within: number): readonly RequestRecord[] {
  return records.filter((record) => record.time >= now - within * 1000);
}

/** True when a request is one of those that the filter means. */
export function matches(record: RequestRecord, filter: RequestFilter): boolean {
  return record.reporter === filter.reporter
    && (filter.service === undefined || isService(record, filter.service))
    && (filter.from === undefined || record.source.app === filter.from || record.source.workload === filter.from)
    && (filter.version === undefined || record.destination.version === filter.version)
    && (filter.path === undefined || record.path.includes(filter.path))
    && (filter.status === undefined || isStatus(record.status, filter.status))
    && (filter.flags === undefined || filter.flags.every((flag) => (record.flags as readonly string[]).includes(flag)))
    && (filter.mtls === undefined || record.mtls === filter.mtls)
    && (filter.retries === undefined || record.retries >= filter.retries)
    && (filter.slowerThan === undefined || record.duration >= filter.slowerThan);
}

function isService(record: RequestRecord, service: string): boolean {
  return record.service === service || record.service.startsWith(`${service}.`) || record.destination.app === service;
}

function isStatus(status: number, wanted: number | string): boolean {
  return typeof wanted === 'number' ? status === wanted : Math.floor(status / 100) === Number(wanted[0]);
}

/** True when a resource is of this kind, for this host, and has all of these values. */
function fits(body: Readonly<Record<string, unknown>>, wanted: Partial<ResourceCheck> & Pick<ResourceCheck, 'kind'>): boolean {
  const metadata = object(body['metadata']);
  return body['kind'] === wanted.kind
    && (wanted.name === undefined || metadata['name'] === wanted.name)
    && (wanted.namespace === undefined || (metadata['namespace'] ?? 'default') === wanted.namespace)
    && (wanted.host === undefined || hostsOf(body).some((host) => host === wanted.host || host.startsWith(`${wanted.host}.`)))
    && Object.entries(wanted.has ?? {}).every(([path, expected]) => meets(valuesAt(body, path), expected));
}

function hostsOf(body: Readonly<Record<string, unknown>>): readonly string[] {
  const spec = object(body['spec']);
  return [spec['host'], ...(Array.isArray(spec['hosts']) ? (spec['hosts'] as readonly unknown[]) : [])].filter((host) => typeof host === 'string');
}

/** Values at a path such as `spec.http[*].route[0].weight`; `[*]` means each. Pure. */
export function valuesAt(value: unknown, path: string): readonly unknown[] {
  const steps = path.replaceAll('[', '.[').split('.').filter((step) => step !== '');
  return steps.reduce<readonly unknown[]>((found, step) => found.flatMap((each) => stepInto(each, step)), [value]).filter((each) => each !== undefined);
}

function stepInto(value: unknown, step: string): readonly unknown[] {
  const index = /^\[(\*|\d+)\]$/.exec(step)?.[1];
  if (index === undefined) return [object(value)[step]];
  if (!Array.isArray(value)) return [];
  return index === '*' ? (value as readonly unknown[]) : [(value as readonly unknown[])[Number(index)]];
}

function meets(values: readonly unknown[], expected: Expectation): boolean {
  if (typeof expected !== 'object') return values.includes(expected);
  if ('exists' in expected) return (values.length > 0) === expected.exists;
  if ('oneOf' in expected) return values.some((value) => (expected.oneOf as readonly unknown[]).includes(value));
  const [low, high] = expected.between;
  return values.some((value) => typeof value === 'number' && value >= low && value <= high);
}

function object(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : {};
}
