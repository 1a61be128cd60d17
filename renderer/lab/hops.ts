import { outcomeOf, type Outcome, type RequestRecord } from '../../src/contract/index.ts';

/** One request over one edge: what the caller's proxy said of it, with what the callee's proxy said when that is known. */
export interface Hop {
  readonly key: string;
  /** Grows by one with each hop; newest has the highest. */
  readonly sequence: number;
  /** The leading report: the caller's, else the callee's. */
  readonly record: RequestRecord;
  /** Reports of the callee's proxy, one per attempt, when the leading one is the caller's. */
  readonly others: readonly RequestRecord[];
  readonly outcome: Outcome;
}

/** What a batch of records came to. */
export interface Intake {
  /** Hops that were not there before, oldest first. */
  readonly added: readonly Hop[];
  /** Hops whose outcome or reports changed. */
  readonly changed: readonly Hop[];
}

/** A worse outcome that only the callee saw wins over the caller's plain status. */
const worth: Readonly<Record<Outcome, number>> = { ok: 0, retried: 1, 'client-error': 2, 'server-error': 3, timeout: 4, denied: 5, fault: 6 };

/** Outcome of a hop: the caller's, unless the callee knows better why the last attempt failed (denied, fault). */
export function hopOutcome(record: RequestRecord, others: readonly RequestRecord[]): Outcome {
  const own = outcomeOf(record);
  const last = others.at(-1);
  if (last === undefined || last.status !== record.status) return own;
  const other = outcomeOf(last);
  return worth[other] > worth[own] && (other === 'denied' || other === 'fault') ? other : own;
}

interface MutableHop extends Hop { record: RequestRecord; others: readonly RequestRecord[]; outcome: Outcome }

/**
 * Keeps the newest hops and joins the two reports of one request: the callee's record carries the caller's span as its own or as its parent.
 * A callee's report waits for the caller's when the caller has a proxy, so that each request is shown once.
 */
export class HopRing {
  private readonly capacity: number;
  private readonly ring: (MutableHop | undefined)[];
  private readonly bySpan = new Map<string, MutableHop>();
  private readonly byKey = new Map<string, MutableHop>();
  private readonly waiting = new Map<string, RequestRecord[]>();
  private next = 0;
  private corrections = 0;

  constructor(capacity = 5000) {
    this.capacity = capacity;
    this.ring = new Array<MutableHop | undefined>(capacity);
  }

  /** Number of hops ever added. */
  get total(): number { return this.next; }
  /** Grows whenever a later report changes how a hop ended. */
  get changes(): number { return this.corrections; }
  /** Number of hops that are kept. */
  get size(): number { return Math.min(this.next, this.capacity); }

  /** The n-th newest hop; 0 is the newest. */
  newest(n: number): Hop | undefined {
    const sequence = this.next - 1 - n;
    return sequence < 0 || n >= this.capacity ? undefined : this.ring[sequence % this.capacity];
  }

  /** The hop with this key, or that has a report with this key. */
  find(key: string): Hop | undefined { return this.byKey.get(key); }

  /** Takes in records; `reports(record)` says whether the caller of this record has a proxy that reports too. */
  add(records: readonly RequestRecord[], reports: (record: RequestRecord) => boolean): Intake {
    const added: Hop[] = [];
    const changed: Hop[] = [];
    for (const record of [...records].sort((one, two) => one.time - two.time)) {
      if (this.byKey.has(record.key)) continue;
      if (record.reporter === 'destination' && record.spanId !== '' && reports(record)) {
        const hop = this.bySpan.get(record.parentSpanId) ?? this.bySpan.get(record.spanId);
        if (hop === undefined) this.wait(record);
        else { this.attach(hop, [record]); changed.push(hop); }
      } else if (record.reporter === 'source' || !reports(record)) {
        added.push(this.push(record));
      }
    }
    return { added, changed };
  }

  clear(): void {
    this.ring.fill(undefined);
    this.bySpan.clear(); this.byKey.clear(); this.waiting.clear();
    this.next = 0;
  }

  private push(record: RequestRecord): Hop {
    const slot = this.next % this.capacity;
    const old = this.ring[slot];
    if (old !== undefined) this.forget(old);
    const hop: MutableHop = { key: record.key, sequence: this.next, record, others: [], outcome: outcomeOf(record) };
    this.ring[slot] = hop;
    this.next += 1;
    this.byKey.set(record.key, hop);
    if (record.spanId !== '' && record.reporter === 'source') {
      this.bySpan.set(record.spanId, hop);
      const waiting = this.waiting.get(record.spanId);
      if (waiting !== undefined) { this.waiting.delete(record.spanId); this.attach(hop, waiting); }
    }
    return hop;
  }

  private attach(hop: MutableHop, records: readonly RequestRecord[]): void {
    hop.others = [...hop.others, ...records].sort((one, two) => one.time - two.time);
    const outcome = hopOutcome(hop.record, hop.others);
    if (outcome !== hop.outcome) this.corrections += 1;
    hop.outcome = outcome;
    for (const record of records) this.byKey.set(record.key, hop);
  }

  private wait(record: RequestRecord): void {
    const span = record.parentSpanId === '' ? record.spanId : record.parentSpanId;
    const list = this.waiting.get(span);
    if (list === undefined) this.waiting.set(span, [record]);
    else list.push(record);
    if (this.waiting.size > this.capacity) {
      const oldest = this.waiting.keys().next();
      if (!oldest.done) this.waiting.delete(oldest.value);
    }
  }

  private forget(hop: MutableHop): void {
    this.byKey.delete(hop.key);
    this.bySpan.delete(hop.record.spanId);
    for (const other of hop.others) this.byKey.delete(other.key);
  }
}
