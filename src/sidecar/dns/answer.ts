import { decode, encode, type Answer, type Packet } from 'dns-packet';
import type { NameTable } from '../../xds/index.ts';

/** What becomes of a query: an answer of ours, or nothing of ours (`forward`), or nothing at all (`drop`). */
export type Verdict = { readonly kind: 'answer'; readonly packet: Buffer } | { readonly kind: 'forward'; readonly id: number } | { readonly kind: 'drop' };

/** Where a pod looks for names, so that `reviews` is found as `reviews.default.svc.cluster.local`. */
export interface SearchScope {
  readonly namespace: string;
  readonly domainSuffix: string;
}

const ttl = 30;
const authoritative = 1 << 10;
const recursionAvailable = 1 << 7;
const formatError = 1;
const serverFailure = 2;

/** Judges a query against the name table. Never throws, whatever the bytes. */
export function judgeQuery(bytes: Buffer, names: NameTable, scope: SearchScope): Verdict {
  const query = parse(bytes);
  if (query === undefined) return bytes.length >= 12 ? { kind: 'answer', packet: failed(bytes, formatError) } : { kind: 'drop' };
  const [question] = query.questions ?? [];
  const id = query.id ?? 0;
  if (query.type !== 'query') return { kind: 'drop' };
  if (question === undefined || query.questions?.length !== 1) return { kind: 'answer', packet: failed(bytes, formatError) };
  const ips = lookUp(question.name, names, scope);
  if (ips === undefined) return { kind: 'forward', id };
  const answers: Answer[] = question.type === 'A' ? ips.map((data) => ({ type: 'A', name: question.name, ttl, data })) : [];
  const flags = (query.flags ?? 0) & (1 << 8);
  return { kind: 'answer', packet: encode({ id, type: 'response', flags: flags | authoritative | recursionAvailable, questions: [question], answers }) };
}

/** A SERVFAIL in answer to a query. */
export function serverFailed(query: Buffer): Buffer {
  return failed(query, serverFailure);
}

/**
 * The addresses of a name of the mesh; `undefined` when it is none of its names. Tried: as it is, with the pod's search domains cut to what
 * a resolver would ask (`reviews`, `reviews.default`, …), and wildcards, the longest first.
 */
export function lookUp(name: string, { table }: NameTable, { namespace, domainSuffix }: SearchScope): readonly string[] | undefined {
  const host = name.toLowerCase().replace(/\.$/, '');
  const searched = [`${namespace}.svc.${domainSuffix}`, `svc.${domainSuffix}`, domainSuffix];
  const stripped = searched.filter((domain) => host.endsWith(`.${domain}`)).map((domain) => host.slice(0, -domain.length - 1));
  // A name with a search domain behind it that only the bare host has: the resolver's first try for an external host.
  const candidates = [host, ...searched.map((domain) => `${host}.${domain}`)];
  for (const candidate of candidates) {
    const found = own(table, candidate);
    if (found !== undefined) return found;
  }
  for (const bare of stripped) {
    const found = bare.includes('.') ? own(table, bare) : undefined;
    if (found !== undefined) return found;
  }
  return wildcard(host, table);
}

function wildcard(host: string, table: NameTable['table']): readonly string[] | undefined {
  for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
    const found = own(table, `*${host.slice(dot)}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function own(table: NameTable['table'], host: string): readonly string[] | undefined {
  return Object.hasOwn(table, host) ? table[host]?.ips : undefined;
}

function parse(bytes: Buffer): Packet | undefined {
  try {
    return bytes.length < 12 ? undefined : decode(bytes);
  } catch {
    return undefined;
  }
}

/** The query's head with another code, and no sections. */
function failed(query: Buffer, code: number): Buffer {
  const packet = Buffer.alloc(12);
  query.copy(packet, 0, 0, 2);
  packet.writeUInt16BE(0x8000 | recursionAvailable | (query.readUInt16BE(2) & (1 << 8)) | code, 2);
  return packet;
}
