import { LabFailure, type LabApi, type LabEvents, type Operation } from '../contract/index.ts';
import { milliseconds, type Terminal } from './print.ts';

/** What a command works with. */
export interface CliContext {
  readonly api: LabApi;
  /** Listens to an event; returns how to stop. */
  on<Name extends keyof LabEvents>(name: Name, listener: LabEvents[Name]): () => void;
  readonly terminal: Terminal;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  stdin(): Promise<string>;
  /** Runs another `weft` command that outlives this one; its process id. */
  background(args: readonly string[]): number;
}

/** The lab that a command is about: the one that was named, or the only one there is. */
export async function pickLab({ api }: CliContext, name: string | undefined): Promise<string> {
  if (name !== undefined) return name;
  const labs = await api.labs({});
  const only = labs[0];
  if (only === undefined) throw new LabFailure('lab-not-found', 'No lab is running.', { help: 'Start one: weft up --sample bookinfo' });
  if (labs.length > 1) throw new LabFailure('usage', `${labs.length} labs are running: ${labs.map((lab) => lab.name).join(', ')}.`, { help: 'Say which one with --name.' });
  return only.name;
}

/** Shows an operation's steps as they end and waits for its end; Ctrl-C cancels it and waits for the clean-up. */
export async function follow({ api, on, terminal, signal }: CliContext, operation: Operation): Promise<Operation> {
  const shown = new Set<string>();
  const show = (current: Operation): void => {
    for (const step of current.steps) {
      if ((step.state !== 'done' && step.state !== 'failed') || shown.has(step.id)) continue;
      shown.add(step.id);
      if (!terminal.json) terminal.err(`${step.state === 'done' ? '✓' : '✗'} ${step.title}${step.took === undefined ? '' : ` (${milliseconds(step.took)})`}${step.detail === undefined ? '' : ` — ${step.detail}`}`);
    }
  };
  const final = await new Promise<Operation>((resolve, reject) => {
    const settle = (current: Operation): void => {
      if (current.id !== operation.id) return;
      show(current);
      if (current.state !== 'running') { stop(); resolve(current); }
    };
    const stopListening = on('operation', settle);
    const cancel = (): void => {
      if (!terminal.json) terminal.err('Cancelling: removing what was started …');
      api.cancel({ id: operation.id }).catch(reject);
    };
    const stop = (): void => { stopListening(); signal.removeEventListener('abort', cancel); };
    signal.addEventListener('abort', cancel);
    if (signal.aborted) cancel();
    api.operation({ id: operation.id }).then(settle, reject);
  });
  if (final.state === 'cancelled') throw new LabFailure('cancelled', `${final.title} was cancelled; nothing was left behind.`);
  if (final.state === 'failed') {
    const error = final.error ?? { code: 'internal' as const, message: `${final.title} failed.` };
    throw new LabFailure(error.code, error.message, { ...(error.help === undefined ? {} : { help: error.help }), ...(error.diagnostics === undefined ? {} : { diagnostics: error.diagnostics }) });
  }
  return final;
}
