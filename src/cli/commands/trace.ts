import { droppedWords, type Trace, type TraceSpan } from '../../contract/index.ts';
import { pickLab, type CliContext } from '../context.ts';

/** `weft trace [ID]`: the spans of a trace and when they ran. */
export async function trace(context: CliContext, id: string | undefined, { name }: { readonly name?: string }): Promise<void> {
  const { api, terminal } = context;
  const lab = await pickLab(context, name);
  const found = await api.trace({ lab, ...(id === undefined ? {} : { id }) });
  terminal.out(terminal.json ? JSON.stringify(found) : waterfall(found));
}

/** Columns of the bars. */
const width = 40;

/** A trace as text: a line for each span, with a bar where its time lies. */
export function waterfall({ traceId, time, duration, spans, dropped }: Trace): string {
  const names = spans.map((span) => `${'  '.repeat(Math.min(span.depth, 12))}${span.service}${span.by === 'application' ? ' (app)' : span.kind === 'client' ? ' >' : ' <'} ${span.name}`);
  const longest = Math.min(60, Math.max(...names.map((text) => text.length)));
  const lines = spans.map((span, at) => {
    const text = names[at] ?? '';
    const name = text.length > longest ? `${text.slice(0, longest - 1)}…` : text.padEnd(longest);
    return `${name}  |${bar(span, time, duration)}|  ${`${span.duration.toFixed(1)} ms`.padStart(10)}  ${marks(span)}`.trimEnd();
  });
  const unsampled = spans.filter(({ sampled }) => !sampled).length;
  return [
    `trace ${traceId}  ${new Date(time).toISOString()}  ${duration.toFixed(1)} ms, ${spans.length} spans`, ...lines,
    ...(unsampled === 0 ? [] : [`${unsampled === spans.length ? 'None' : `${spans.length - unsampled}`} of these spans ${spans.length - unsampled === 1 ? 'was' : 'were'} sampled: a tracing backend does not get the others.`]),
    ...dropped.map(droppedWords).map(({ message, help }) => `note  ${message}\n      ${help}`),
  ].join('\n');
}

function bar(span: TraceSpan, from: number, duration: number): string {
  const scale = duration <= 0 ? 0 : width / duration;
  const start = Math.max(0, Math.min(width - 1, Math.floor((span.time - from) * scale)));
  const length = Math.max(1, Math.min(width - start, Math.round(span.duration * scale)));
  return `${' '.repeat(start)}${(span.by === 'application' ? '-' : '=').repeat(length)}`.padEnd(width);
}

function marks({ status, outcome, flags, retries, origin, by }: TraceSpan): string {
  return [
    ...(status === 0 ? [] : [String(status)]), ...(outcome === 'ok' || (by === 'application' && outcome !== 'server-error') ? [] : [by === 'application' ? 'error' : outcome]), ...(flags.length === 0 ? [] : [flags.join(',')]),
    ...(retries === 0 ? [] : [`${retries} ${retries === 1 ? 'retry' : 'retries'}`]), ...(origin === undefined ? [] : [`${origin.file}:${origin.line}`]),
  ].join('  ');
}
