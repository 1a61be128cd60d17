import { LabFailure } from '../../contract/index.ts';
import { readFiles } from '../../core/files/index.ts';
import { needsKeeping } from '../../core/lab/keeping.ts';
import type { CliContext } from '../context.ts';
import { follow, pickLab } from '../context.ts';
import { diagnosticLines, ingressLines } from '../print.ts';

export interface UpOptions {
  readonly file?: readonly string[];
  readonly sample?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly images?: 'auto' | 'pull' | 'stand-in';
  readonly consent?: readonly string[];
}

/** `weft up`: returns when all pods are ready and prints the ingress URL. */
export async function up(context: CliContext, { file = [], sample, name, namespace, images, consent }: UpOptions): Promise<void> {
  const { api, terminal } = context;
  if (file.length === 0 && sample === undefined) throw new LabFailure('usage', 'Nothing to start.', { help: 'Name manifests with -f PATH, or a sample with --sample NAME (weft samples lists them).' });
  const samples = sample === undefined ? [] : (await api.samples({})).filter((candidate) => candidate.name === sample);
  if (sample !== undefined && samples.length === 0) throw new LabFailure('usage', `There is no sample ${sample}.`, { help: 'weft samples lists them.' });
  const files = [...samples.flatMap((found) => found.files), ...await readFiles(file, context.stdin, namespace)];
  const lab = name ?? sample ?? 'lab';
  const started = Date.now();
  const operation = await follow(context, await api.up({
    lab, files, ...(sample === undefined ? {} : { sample }), ...(images === undefined ? {} : { images }), ...(consent === undefined ? {} : { consent }),
  }));
  const status = await api.status({ lab });
  const keeper = needsKeeping(files) ? context.background(['keep', '--name', lab]) : undefined;
  if (terminal.json) {
    terminal.out(JSON.stringify({ lab, ingressUrl: status.ingressUrl, ingress: status.ingress, took: Date.now() - started, steps: operation.steps, diagnostics: status.diagnostics, ...(keeper === undefined ? {} : { keeper }) }));
    return;
  }
  for (const line of diagnosticLines(status.diagnostics.filter((one) => one.level !== 'info'))) terminal.err(line);
  if (keeper !== undefined) terminal.err(`Some of its containers have probes: a process in the background (${keeper}) runs their commands and restarts what fails, until weft down.`);
  const open = ingressLines(status);
  terminal.out(open.length === 0 ? `${lab} is running; no Gateway opens a port.` : open.join('\n'));
}

/** `weft down`: removes one lab or all. */
export async function down(context: CliContext, { name, all }: { readonly name?: string; readonly all?: boolean }): Promise<void> {
  const { api, terminal } = context;
  const labs = all === true ? (await api.labs({})).map((lab) => lab.name) : [await pickLab(context, name)];
  for (const lab of labs) await follow(context, await api.down({ lab }));
  terminal.out(terminal.json ? JSON.stringify({ removed: labs }) : labs.length === 0 ? 'No lab was there.' : `Removed ${labs.join(', ')}.`);
}

/** `weft samples`. */
export async function samples({ api, terminal }: CliContext): Promise<void> {
  const all = await api.samples({});
  terminal.out(terminal.json ? JSON.stringify(all.map(({ name, title, summary }) => ({ name, title, summary }))) : all.map((sample) => `${sample.name.padEnd(14)}${sample.summary}`).join('\n'));
}

/** `weft preflight`: what the machine has and what it lacks. */
export async function preflight({ api, terminal }: CliContext): Promise<boolean> {
  const result = await api.preflight({});
  if (terminal.json) terminal.out(JSON.stringify(result));
  else for (const check of result.checks) {
    terminal.out(`${{ ok: '✓', warning: '!', failed: '✗' }[check.state]} ${check.title}: ${check.detail}`);
    if (check.state === 'ok') continue;
    if (check.tried.length > 0) terminal.out(`    tried ${check.tried.join(', ')}`);
    if (check.fix !== undefined) terminal.out(`    ${check.fix}`);
  }
  return result.ok;
}
