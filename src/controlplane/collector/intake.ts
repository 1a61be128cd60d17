import type { AppSpan } from '../../contract/index.ts';
import { createOtlpCodec, readLogs, readTraces, readZipkin, type OtlpCodec } from '../../otlp/index.ts';
import type { Log } from '../log.ts';
import type { TelemetryIntake } from '../telemetry/intake.ts';

/** What arrives at the lab's collector, whichever way it came. Throws on what does not read. */
export interface CollectorIntake {
  /** Returns the body of the answer, in the encoding of the request. */
  otlp(signal: 'traces' | 'logs' | 'metrics', bytes: Uint8Array, binary: boolean): Buffer;
  zipkin(json: unknown): void;
  /** What was accepted, in Prometheus' text format, by the names of OpenTelemetry's own collector. */
  text(): string;
}

const onlySpans = 'The lab keeps spans and log lines; metrics of applications are for a Prometheus of your own.';

/** Spans join the lab's traces; log lines are printed, as a collector with its debug exporter does. */
export function createCollectorIntake(telemetry: Pick<TelemetryIntake, 'takeSpans'>, log: Log): CollectorIntake {
  let codec: OtlpCodec | undefined;
  const accepted = { 'spans{receiver="otlp"}': 0, 'spans{receiver="zipkin"}': 0, 'log_records{receiver="otlp"}': 0 };
  const spans = (receiver: 'otlp' | 'zipkin', taken: readonly AppSpan[]): void => {
    accepted[`spans{receiver="${receiver}"}`] += taken.length;
    telemetry.takeSpans(taken);
  };
  const read = (type: 'TracesData' | 'LogsData', bytes: Uint8Array, binary: boolean): unknown => (binary ? (codec ??= createOtlpCodec()).read(type, bytes) : (JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown));
  return {
    otlp(signal, bytes, binary) {
      if (signal === 'traces') spans('otlp', readTraces(read('TracesData', bytes, binary)));
      else if (signal === 'logs') {
        for (const line of readLogs(read('LogsData', bytes, binary))) {
          accepted['log_records{receiver="otlp"}'] += 1;
          log(`collected log: ${line}`);
        }
      }
      const refused = signal === 'metrics' ? { partialSuccess: { errorMessage: onlySpans } } : {};
      return binary ? Buffer.from((codec ??= createOtlpCodec()).write('ExportResponse', refused)) : Buffer.from(JSON.stringify(refused), 'utf8');
    },
    zipkin: (json) => spans('zipkin', readZipkin(json)),
    text: () => ['spans', 'log_records'].map((what) => {
      const name = `otelcol_receiver_accepted_${what}_total`;
      const lines = Object.entries(accepted).filter(([key]) => key.startsWith(`${what}{`)).map(([key, count]) => `${name}${key.slice(what.length)} ${count}`);
      return [`# HELP ${name} Taken by the lab's collector.`, `# TYPE ${name} counter`, ...lines, ''].join('\n');
    }).join(''),
  };
}
