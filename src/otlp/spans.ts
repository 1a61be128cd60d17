import { outcomeOf, type AppSpan, type Peer, type RequestRecord } from '../contract/index.ts';

/** An attribute in OTLP's JSON. */
export interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue: string };
}

/** Attributes of texts; those without a value are left out. */
export function attributes(values: Readonly<Record<string, string | number | undefined>>): readonly Attribute[] {
  return Object.entries(values).filter(([, value]) => value !== undefined && value !== '').map(([key, value]) => ({ key, value: { stringValue: String(value) } }));
}

/** Milliseconds since the epoch as OTLP's JSON writes nanoseconds. */
export function nanoseconds(milliseconds: number): string {
  return String(BigInt(Math.round(milliseconds * 1000)) * 1000n);
}

/** The proxy that made a record, as the service of its spans: `reviews.default`, as Istio names it. */
export function reporterOf({ reporter, source, destination }: RequestRecord): Peer {
  return reporter === 'source' ? source : destination;
}

/** Envoy's tags of a span. Source: Envoy, "Tracing"; istio.io, "Distributed Tracing". */
export function spanTags(record: RequestRecord): Readonly<Record<string, string | number | undefined>> {
  const header = (name: string): string | undefined => record.requestHeaders.find(([key]) => key === name)?.[1];
  return {
    component: 'proxy', node_id: record.proxy, 'guid:x-request-id': record.requestId, 'http.method': record.method, 'http.url': `http://${record.authority}${record.path}`.slice(0, 512), 'http.status_code': record.status,
    'http.protocol': record.protocol === 'grpc' ? 'HTTP/2' : 'HTTP/1.1', request_size: record.bytesReceived, response_size: record.bytesSent, response_flags: record.flags.length === 0 ? '-' : record.flags.join(','),
    upstream_cluster: record.cluster, 'upstream_cluster.name': record.cluster, 'peer.address': record.reporter === 'destination' ? record.source.ip : record.endpoint, user_agent: header('user-agent'),
    'grpc.status_code': record.grpcStatus, ...(isError(record) ? { error: 'true' } : {}), ...record.tags,
  };
}

/** As Envoy marks spans: no answer, or one that blames the server. */
export function isError(record: RequestRecord): boolean {
  const outcome = outcomeOf(record);
  return outcome === 'server-error' || outcome === 'timeout' || record.status >= 500;
}

/** Spans of proxies in OTLP's JSON, grouped by the proxy's service: the body of `/v1/traces`. */
export function tracesJson(records: readonly RequestRecord[]): { readonly resourceSpans: readonly object[] } {
  const groups = new Map<string, RequestRecord[]>();
  for (const record of records) {
    const { app, namespace } = reporterOf(record);
    const service = `${app || 'istio-proxy'}.${namespace}`;
    const group = groups.get(service);
    if (group === undefined) groups.set(service, [record]);
    else group.push(record);
  }
  return {
    resourceSpans: [...groups].map(([service, own]) => ({
      resource: { attributes: attributes({ 'service.name': service, 'k8s.pod.name': own[0]?.proxy.split('/')[1], 'k8s.namespace.name': own[0]?.proxy.split('/')[0] }) },
      scopeSpans: [{ scope: { name: 'weft' }, spans: own.map(spanJson) }],
    })),
  };
}

function spanJson(record: RequestRecord): object {
  const { traceId, spanId, parentSpanId, time, duration, reporter } = record;
  return {
    traceId, spanId, ...(parentSpanId === '' ? {} : { parentSpanId }), name: record.route || `${record.service}/*`, kind: reporter === 'source' ? 3 : 2,
    startTimeUnixNano: nanoseconds(time), endTimeUnixNano: nanoseconds(time + duration), attributes: attributes(spanTags(record)), status: isError(record) ? { code: 2 } : {},
  };
}

/** Spans of proxies as Zipkin takes them: the body of `/api/v2/spans`. Source: zipkin.io/zipkin-api. */
export function zipkinJson(records: readonly RequestRecord[]): readonly object[] {
  return records.map((record) => {
    const { traceId, spanId, parentSpanId, time, duration, reporter } = record;
    const peer = reporterOf(record);
    const tags = Object.fromEntries(attributes(spanTags(record)).map(({ key, value }) => [key, value.stringValue]));
    return {
      traceId, id: spanId, ...(parentSpanId === '' ? {} : { parentId: parentSpanId }), name: record.route || `${record.service}/*`, kind: reporter === 'source' ? 'CLIENT' : 'SERVER',
      timestamp: Math.round(time * 1000), duration: Math.max(1, Math.round(duration * 1000)), localEndpoint: { serviceName: `${peer.app || 'istio-proxy'}.${peer.namespace}`, ...(peer.ip === '' ? {} : { ipv4: peer.ip }) }, tags,
    };
  });
}

type Fields = Readonly<Record<string, unknown>>;
const fields = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {});
const list = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.map(fields) : []);
const text = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 1024) : '');
const kinds = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'] as const;

/** The spans of a body of `/v1/traces` in JSON; what is no span is left out. */
export function readTraces(json: unknown): readonly AppSpan[] {
  return list(fields(json)['resourceSpans']).flatMap((group) => {
    const service = texts(fields(group['resource'])['attributes'])['service.name'] ?? 'unknown_service';
    return list(group['scopeSpans']).flatMap(({ spans }) => list(spans)).flatMap((span): readonly AppSpan[] => {
      const start = milliseconds(span['startTimeUnixNano']);
      return valid({
        traceId: text(span['traceId']).toLowerCase(), spanId: text(span['spanId']).toLowerCase(), parentSpanId: text(span['parentSpanId']).toLowerCase(), service, name: text(span['name']), kind: kinds[Number(span['kind'] ?? 0)] ?? 'internal',
        time: start, duration: Math.max(0, milliseconds(span['endTimeUnixNano']) - start), error: Number(fields(span['status'])['code'] ?? 0) === 2, tags: texts(span['attributes']),
      });
    });
  });
}

/** The spans of a body of Zipkin's `/api/v2/spans`. */
export function readZipkin(json: unknown): readonly AppSpan[] {
  return list(json).flatMap((span) => {
    const kind = text(span['kind']).toLowerCase();
    const tags = Object.fromEntries(Object.entries(fields(span['tags'])).map(([key, value]) => [key, text(value)]));
    return valid({
      traceId: text(span['traceId']).toLowerCase().padStart(32, '0'), spanId: text(span['id']).toLowerCase(), parentSpanId: text(span['parentId']).toLowerCase(), service: text(fields(span['localEndpoint'])['serviceName']) || 'unknown_service', name: text(span['name']),
      kind: kinds.find((one) => one === kind) ?? 'internal', time: Number(span['timestamp']) / 1000, duration: Number(span['duration'] ?? 0) / 1000, error: tags['error'] !== undefined, tags,
    });
  });
}

function valid(span: AppSpan): readonly AppSpan[] {
  const fine = /^[0-9a-f]{32}$/.test(span.traceId) && /^[0-9a-f]{16}$/.test(span.spanId) && /^([0-9a-f]{16})?$/.test(span.parentSpanId) && Number.isFinite(span.time) && Number.isFinite(span.duration);
  return fine ? [span] : [];
}

function milliseconds(nano: unknown): number {
  return typeof nano === 'string' && /^\d{1,20}$/.test(nano) ? Number(BigInt(nano) / 1000n) / 1000 : Number(nano) / 1e6;
}

function texts(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(list(value).slice(0, 128).map(({ key, value: given }) => [text(key), text(String(Object.values(fields(given))[0] ?? ''))]));
}
