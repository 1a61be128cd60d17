import type { RecordQuery } from './lab.ts';
import { outcomeOf, type RequestRecord } from './record.ts';

/** When a query says no limit. */
export const defaultRecordLimit = 200;

/** Makes the test that a query asks for; what it needs per query is worked out once. */
export function recordFilter(query: RecordQuery): (record: RequestRecord) => boolean {
  const words = (query.text ?? '').toLowerCase().split(/\s+/).filter((word) => word !== '');
  const service = query.service;
  return (record) =>
    (query.before === undefined || record.time < query.before)
    && (query.outcome === undefined || query.outcome === '' || outcomeOf(record) === query.outcome)
    && (service === undefined || service === '' || servedBy(record, service))
    && (words.length === 0 || containsAll(textOf(record), words));
}

/** The records that a query asks for, newest first, from records that come newest first. */
export function queryRecords(newestFirst: Iterable<RequestRecord>, query: RecordQuery): readonly RequestRecord[] {
  const limit = query.limit ?? defaultRecordLimit;
  const fits = recordFilter(query);
  const found: RequestRecord[] = [];
  if (limit <= 0) return found;
  for (const record of newestFirst) {
    if (!fits(record)) continue;
    found.push(record);
    if (found.length >= limit) break;
  }
  return found;
}

/** A service is named by its host, its first label, or `namespace/app` of the workload behind it. */
function servedBy(record: RequestRecord, service: string): boolean {
  return record.service === service || record.service.startsWith(`${service}.`)
    || record.destination.app === service || `${record.destination.namespace}/${record.destination.app}` === service;
}

function containsAll(text: string, words: readonly string[]): boolean {
  return words.every((word) => text.includes(word));
}

function textOf(record: RequestRecord): string {
  const { source, destination } = record;
  return [
    record.method, record.path, record.authority, record.service, String(record.status), record.flags.join(','), record.details, record.protocol,
    source.app, source.version, source.workload, source.namespace, source.pod, destination.app, destination.version, destination.workload, destination.namespace, destination.pod,
    record.cluster, record.requestId, record.traceId,
  ].join(' ').toLowerCase();
}
