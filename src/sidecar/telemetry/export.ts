import { createOtlpCodec, logsJson, tracesJson, zipkinJson, type LogLine, type OtlpCodec } from '../../otlp/index.ts';
import type { RequestRecord } from '../../contract/index.ts';
import { milliseconds } from '../../util/envoy-json.ts';
import { typeUrl } from '../../xds/index.ts';
import type { Runtime } from '../runtime.ts';
import { post, type Destination } from './send.ts';

/** What goes to one collector, as batches of it are made. */
export interface Exporter<Item> {
  /** Two exporters of one id are the same. */
  readonly id: string;
  readonly to: Destination;
  encode(items: readonly Item[]): Uint8Array;
}

interface GrpcService { readonly envoyGrpc?: { readonly clusterName?: string; readonly authority?: string }; readonly timeout?: string; readonly initialMetadata?: readonly { readonly key?: string; readonly value?: string }[] }
interface TracerConfig {
  readonly '@type'?: string;
  readonly grpcService?: GrpcService;
  readonly httpService?: { readonly httpUri?: { readonly uri?: string; readonly cluster?: string; readonly timeout?: string }; readonly requestHeadersToAdd?: readonly { readonly header?: { readonly key?: string; readonly value?: string } }[] };
  readonly collectorCluster?: string; readonly collectorEndpoint?: string; readonly collectorHostname?: string;
}

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value), 'utf8');

/** The exporter that a manager's tracing provider asks for; `undefined` for none, or one that we do not speak to. */
export function spanExporter(config: unknown, codec: () => OtlpCodec): Exporter<RequestRecord> | undefined {
  const tracer = config as TracerConfig | undefined;
  const id = JSON.stringify(tracer ?? null);
  if (tracer?.['@type'] === typeUrl.zipkinTracer) {
    const { collectorCluster = '', collectorHostname = '', collectorEndpoint = '/api/v2/spans' } = tracer;
    return { id, encode: (records) => json(zipkinJson(records)), to: { cluster: collectorCluster, authority: collectorHostname, path: collectorEndpoint, grpc: false, contentType: 'application/json', headers: [], timeout: 5000 } };
  }
  if (tracer?.['@type'] !== typeUrl.otlpTracer) return undefined;
  const encode = (records: readonly RequestRecord[]): Uint8Array => codec().write('TracesData', tracesJson(records));
  if (tracer.grpcService !== undefined) return { id, encode, to: grpcDestination(tracer.grpcService, '/opentelemetry.proto.collector.trace.v1.TraceService/Export') };
  const { uri = '', cluster = '', timeout } = tracer.httpService?.httpUri ?? {};
  const [, authority = '', path = '/'] = /^(?:https?:\/\/)?([^/]*)(\/.*)?$/.exec(uri) ?? [];
  const headers = (tracer.httpService?.requestHeadersToAdd ?? []).map(({ header }) => [header?.key ?? '', header?.value ?? ''] as const);
  return { id, encode, to: { cluster, authority, path, grpc: false, contentType: 'application/x-protobuf', headers, timeout: milliseconds(timeout) ?? 1000 } };
}

/** The exporter of a log to OpenTelemetry. */
export function logExporter(config: unknown, resource: Readonly<Record<string, string>>, codec: () => OtlpCodec): Exporter<LogLine> | undefined {
  const log = config as { readonly '@type'?: string; readonly commonConfig?: { readonly logName?: string; readonly grpcService?: GrpcService } } | undefined;
  if (log?.['@type'] !== typeUrl.otlpAccessLog) return undefined;
  const named = { ...resource, log_name: log.commonConfig?.logName ?? '' };
  return { id: JSON.stringify(log), encode: (lines) => codec().write('LogsData', logsJson(named, lines)), to: grpcDestination(log.commonConfig?.grpcService ?? {}, '/opentelemetry.proto.collector.logs.v1.LogsService/Export') };
}

function grpcDestination({ envoyGrpc, timeout, initialMetadata = [] }: GrpcService, path: string): Destination {
  return { cluster: envoyGrpc?.clusterName ?? '', authority: envoyGrpc?.authority ?? '', path, grpc: true, contentType: '', headers: initialMetadata.map(({ key = '', value = '' }) => [key, value] as const), timeout: milliseconds(timeout) ?? 5000 };
}

/** Milliseconds between batches, and items that one batch holds or that wait at most; what comes above is dropped, as a collector's outage must not cost the proxy. */
const pace = 1000;
const batch = 512;
const mostWaiting = 2048;

/** Collects items by their exporter and sends them every second. */
export interface ExportQueue {
  add<Item>(exporter: Exporter<Item>, item: Item): void;
  stop(): void;
}

/** Makes the queue. `log` hears once when a collector begins to fail, and when it takes again. */
export function createExportQueue(runtime: () => Pick<Runtime, 'cluster' | 'clock'>, log: (line: string) => void): ExportQueue {
  const queues = new Map<string, { readonly exporter: Exporter<unknown>; items: unknown[]; failing: boolean; busy: boolean }>();
  let cancel: (() => void) | undefined;
  const flush = async (): Promise<void> => {
    cancel = undefined;
    await Promise.all([...queues.values()].filter(({ items, busy }) => items.length > 0 && !busy).map(async (queue) => {
      const items = queue.items.slice(0, batch);
      queue.items = queue.items.slice(batch);
      queue.busy = true;
      const why = await post(runtime(), queue.exporter.to, queue.exporter.encode(items));
      queue.busy = false;
      if ((why !== '') !== queue.failing) log(why === '' ? `telemetry reaches ${queue.exporter.to.authority} again` : `telemetry does not reach ${queue.exporter.to.authority}: ${why}`);
      queue.failing = why !== '';
    }));
    if ([...queues.values()].some(({ items }) => items.length > 0)) schedule();
  };
  const schedule = (): void => {
    cancel ??= runtime().clock.after(pace, () => { flush().catch((error: unknown) => { log(`telemetry could not be sent: ${String(error)}`); }); });
  };
  return {
    add(exporter, item) {
      let queue = queues.get(exporter.id);
      if (queue === undefined) queues.set(exporter.id, queue = { exporter: exporter as Exporter<unknown>, items: [], failing: false, busy: false });
      if (queue.items.length >= mostWaiting) queue.items.shift();
      queue.items.push(item);
      schedule();
    },
    stop: () => cancel?.(),
  };
}

/** Makes the codec when it is first needed: most proxies export nothing. */
export function lazyCodec(): () => OtlpCodec {
  let made: OtlpCodec | undefined;
  return () => (made ??= createOtlpCodec());
}
