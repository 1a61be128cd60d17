import { stringify } from 'yaml';
import { LabFailure, type ApplyResult, type Explanation } from '../../contract/index.ts';
import { readFiles } from '../../core/files/index.ts';
import { pickLab, type CliContext } from '../context.ts';
import { counted, diagnosticLines, table } from '../print.ts';

export interface FileOptions {
  readonly file: readonly string[];
  readonly name?: string;
  readonly namespace?: string;
  readonly dryRun?: boolean;
}

/** `weft apply -f`: adds or replaces manifests of a running lab. */
export async function apply(context: CliContext, { file, name, namespace, dryRun }: FileOptions): Promise<boolean> {
  const lab = await pickLab(context, name);
  const files = await readFiles(file, context.stdin, namespace);
  const result = await context.api.apply({ lab, files, ...(dryRun === undefined ? {} : { dryRun }) });
  const good = report(context, result, dryRun === true ? 'would change' : 'applied');
  if (good && dryRun !== true && !context.terminal.json) await warn(context, lab, result);
  return good;
}

/** What analysis says of the files that have just changed: a lab takes a rule that sends requests nowhere, but not without a word. */
async function warn({ api, terminal }: CliContext, lab: string, { changes, diagnostics }: ApplyResult): Promise<void> {
  const key = ({ file, line, code }: ApplyResult['diagnostics'][number]): string => `${file}:${line} ${code}`;
  const [changed, said] = [new Set(changes.map(({ path }) => path)), new Set(diagnostics.map(key))];
  const found = (await api.analyze({ lab })).filter((one) => changed.has(one.file) && one.level !== 'info' && !said.has(key(one)));
  for (const line of diagnosticLines(found)) terminal.err(line);
}

/** `weft delete -f`: removes the resources that the files hold. */
export async function remove(context: CliContext, { file, name, namespace }: FileOptions): Promise<boolean> {
  const lab = await pickLab(context, name);
  return report(context, await context.api.delete({ lab, files: await readFiles(file, context.stdin, namespace) }), 'removed from');
}

function report({ terminal }: CliContext, result: ApplyResult, verb: string): boolean {
  if (terminal.json) terminal.out(JSON.stringify(result));
  else {
    for (const line of diagnosticLines(result.diagnostics)) terminal.err(line);
    if (result.applied || verb === 'would change') terminal.out(result.changes.length === 0 ? (verb === 'removed from' ? 'The lab has nothing of that: nothing was removed.' : 'unchanged') : result.changes.map((change) => `${verb} ${change.path}`).join('\n'));
    else terminal.err('Nothing was applied: the errors above come first.');
  }
  return result.applied || !result.diagnostics.some((one) => one.level === 'error');
}

export interface GetOptions {
  readonly lab?: string;
  readonly namespace?: string;
  readonly output?: string;
}

/** `weft get KIND [NAME]`. */
export async function get(context: CliContext, kind: string, resource: string | undefined, { lab: name, namespace, output }: GetOptions): Promise<void> {
  const { api, terminal } = context;
  if (output !== undefined && output !== 'yaml' && output !== 'json') throw new LabFailure('usage', `-o ${output} is not known.`, { help: 'Use -o yaml or -o json.' });
  const lab = await pickLab(context, name);
  const found = await api.get({ lab, kind, ...(resource === undefined ? {} : { name: resource }), ...(namespace === undefined ? {} : { namespace }) });
  if (resource !== undefined && found.length === 0) throw new LabFailure('not-found', `There is no ${kind} ${resource}${namespace === undefined ? '' : ` in ${namespace}`}.`);
  if (terminal.json || output === 'json') { terminal.out(JSON.stringify(found, null, terminal.json ? 0 : 2)); return; }
  if (output === 'yaml') { terminal.out(found.map((body) => stringify(body, { lineWidth: 0 })).join('---\n').trimEnd()); return; }
  const rows = found.map((body) => body as { kind?: string; metadata?: { namespace?: string; name?: string } }).map(({ kind: own, metadata }) => [metadata?.namespace ?? 'default', own ?? '', metadata?.name ?? '']);
  terminal.out(rows.length === 0 ? `No ${kind} found.` : table(['NAMESPACE', 'KIND', 'NAME'], rows));
}

/** `weft analyze PATH…`: true when there is no error. */
export async function analyze(context: CliContext, paths: readonly string[], name: string | undefined): Promise<boolean> {
  const { api, terminal } = context;
  const found = await api.analyze(paths.length > 0 ? { files: await readFiles(paths, context.stdin) } : { lab: await pickLab(context, name) });
  if (terminal.json) terminal.out(JSON.stringify(found));
  else {
    for (const line of diagnosticLines(found)) terminal.out(line);
    const count = (level: string, what: string): string => counted(found.filter((one) => one.level === level).length, what);
    terminal.out(found.length === 0 ? 'No problems found.' : `${count('error', 'error')}, ${count('warning', 'warning')}, ${count('info', 'note')}.`);
  }
  return !found.some((one) => one.level === 'error');
}

export interface ExplainOptions {
  readonly from: string;
  readonly header: readonly string[];
  readonly file: readonly string[];
  readonly name?: string;
}

/** `weft explain METHOD URL`: the decision, step by step, with each rule that lost and why. */
export async function explain(context: CliContext, method: string, url: string, { from, header, file, name }: ExplainOptions): Promise<void> {
  const headers = header.map((line) => {
    const [, key, value] = /^([^:]+):\s*(.*)$/.exec(line) ?? [];
    if (key === undefined) throw new LabFailure('usage', `-H ${line} is not a header.`, { help: 'Write it as "name: value".' });
    return [key.toLowerCase(), value ?? ''] as const;
  });
  const call = { from, method: method.toUpperCase(), url, headers };
  const explanation = await context.api.explain(file.length > 0 ? { files: await readFiles(file, context.stdin), call } : { lab: await pickLab(context, name), call });
  context.terminal.out(context.terminal.json ? JSON.stringify(explanation) : explanationText(explanation));
}

/** An explanation as text: one line a step, candidates that lost indented below it. */
export function explanationText({ call, summary, steps, clusters }: Explanation): string {
  const place = (origin: { file: string; line: number } | undefined): string => (origin === undefined ? '' : `  (${origin.file}:${origin.line})`);
  return [
    `${call.method} ${call.url} from ${call.from}`,
    ...steps.flatMap((step, index) => [
      `${String(index + 1).padStart(2)}. ${step.stage}: ${step.what}${place(step.origin)}${step.why === undefined ? '' : `\n      because ${step.why}`}`,
      ...counting((step.rejected ?? []).map((lost) => `      not ${lost.what}${place(lost.origin)}: ${lost.why}`)),
    ]),
    ...(clusters.length > 1 ? [`    shares: ${clusters.map(({ cluster, share }) => `${cluster} ${Math.round(share * 1000) / 10} %`).join(', ')}`] : []),
    `→ ${summary}`,
  ].join('\n');
}

/** Equal lines as one, with how many they are. */
function counting(lines: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
  return [...counts].map(([line, count]) => (count === 1 ? line : `${line} (${count} times)`));
}
