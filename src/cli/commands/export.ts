import { LabFailure, type RequestRecord } from '../../contract/index.ts';
import { logsJson, metricsJson, tracesJson } from '../../otlp/index.ts';
import { pickLab, type CliContext } from '../context.ts';
import { recordLine } from './observe.ts';

/** How a lab is exported. */
export interface ExportOptions {
  readonly name?: string;
  /** `http://localhost:4318`. */
  readonly otlp: string;
  readonly header: readonly string[];
  /** Seconds; without it until Ctrl-C. */
  readonly for?: number;
}

/** Milliseconds between batches of spans and log lines, and how many of them pass between two of metrics. */
const pace = 1000;
const metricsEvery = 5;
const batch = 1000;

/** `weft export`: sends a lab's sampled spans, requests as log lines, and metrics to a collector by OTLP/HTTP (JSON), for as long as it runs. */
export async function exportLab(context: CliContext, options: ExportOptions): Promise<boolean> {
  const { api, on, terminal, signal } = context;
  const lab = await pickLab(context, options.name);
  const collector = new Collector(options);
  const started = Date.now();
  let waiting: RequestRecord[] = [];
  const stop = on('records', (event) => { if (event.lab === lab) waiting = [...waiting, ...event.records].slice(-10 * batch); });
  await api.watch({ lab });
  const turn = async (metrics: boolean): Promise<void> => {
    const records = waiting.splice(0, batch);
    const spans = records.filter(({ sampled }) => sampled);
    if (spans.length > 0) await collector.send('traces', tracesJson(spans), spans.length);
    if (records.length > 0) await collector.send('logs', logsJson({ 'service.name': `weft ${lab}` }, records.map((record) => ({ time: record.time, body: recordLine(record), attributes: { 'http.request.id': record.requestId }, traceId: record.traceId, spanId: record.spanId }))), records.length);
    if (metrics) await collector.send('metrics', metricsJson(await api.metrics({ lab }), { 'service.name': `weft ${lab}` }, { start: started, now: Date.now() }), 1);
    const trouble = collector.news();
    if (trouble !== '') terminal.err(trouble);
  };
  const end = options.for === undefined ? Infinity : started + options.for * 1000;
  for (let count = 0; !signal.aborted && Date.now() < end; count++) {
    await turn(count % metricsEvery === 0);
    await pause(pace, signal);
  }
  stop();
  await turn(true);
  await api.unwatch({ lab });
  const { traces, logs, metrics } = collector.sent;
  terminal.out(terminal.json ? JSON.stringify(collector.sent) : `sent ${traces} spans, ${logs} log lines and metrics ${metrics} times to ${options.otlp}`);
  return collector.failure === '';
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}

/** The far end, and how it went. */
class Collector {
  readonly sent = { traces: 0, logs: 0, metrics: 0 };
  /** Why the last batch was not taken; empty when it was. */
  failure = '';
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;
  #failing = false;

  constructor({ otlp, header }: ExportOptions) {
    if (!/^https?:\/\/[^/]+/.test(otlp)) throw new LabFailure('usage', `${otlp} is not the address of a collector.`, { help: 'Write it like http://localhost:4318.' });
    this.#base = otlp.replace(/\/+$/, '');
    this.#headers = Object.fromEntries(header.map((line) => [line.slice(0, line.indexOf(':')).trim(), line.slice(line.indexOf(':') + 1).trim()]));
  }

  async send(signal: 'traces' | 'logs' | 'metrics', body: object, count: number): Promise<void> {
    try {
      const response = await fetch(`${this.#base}/v1/${signal}`, { method: 'POST', headers: { 'content-type': 'application/json', ...this.#headers }, body: JSON.stringify(body), signal: AbortSignal.timeout(10_000) });
      await response.arrayBuffer();
      this.failure = response.ok ? '' : `${this.#base}/v1/${signal} answers ${response.status}`;
      if (response.ok) this.sent[signal] += count;
    } catch (error) {
      this.failure = `${this.#base} does not answer: ${error instanceof Error ? String(error.cause ?? error.message) : String(error)}`;
    }
  }

  /** Why it fails, once for as long as it does. */
  news(): string {
    const news = this.#failing ? '' : this.failure;
    this.#failing = this.failure !== '';
    return news;
  }
}
