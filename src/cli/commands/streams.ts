import { pickLab, type CliContext } from '../context.ts';
import { findPod } from './observe.ts';

export interface LogOptions {
  readonly name?: string;
  readonly namespace?: string;
  readonly container?: string;
  readonly tail?: number;
  readonly follow?: boolean;
}

/** `weft logs POD`; as JSON, an object `{line}` for each line. */
export async function logs(context: CliContext, pod: string, { name, namespace, container, tail, follow }: LogOptions): Promise<void> {
  const lab = await pickLab(context, name);
  const target = await findPod(context, lab, pod, namespace);
  const lines = context.terminal.json ? asObjects(context.terminal.out) : undefined;
  await pump(lines === undefined ? context : { ...context, terminal: { ...context.terminal, write: lines.write } }, () => context.api.logs({ lab, pod: target, follow: follow === true, ...(container === undefined ? {} : { container }), ...(tail === undefined ? {} : { tail }) }));
  lines?.end();
}

/** Makes an object of each line of what is written, which comes in pieces. */
function asObjects(out: (line: string) => void): { write(data: string): void; end(): void } {
  let rest = '';
  const say = (line: string): void => { out(JSON.stringify({ line })); };
  return {
    write(data) {
      const lines = (rest + data).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) say(line.replace(/\r$/, ''));
    },
    end() { if (rest !== '') say(rest); },
  };
}

export interface ExecOptions {
  readonly name?: string;
  readonly namespace?: string;
  readonly container?: string;
  readonly tty?: boolean;
}

/** `weft exec POD -- COMMAND…`: the command's own exit code. */
export async function exec(context: CliContext, pod: string, command: readonly string[], { name, namespace, container, tty }: ExecOptions): Promise<number> {
  const lab = await pickLab(context, name);
  const target = await findPod(context, lab, pod, namespace);
  return await pump(context, () => context.api.exec({ lab, pod: target, command: [...command], tty: tty === true, ...(container === undefined ? {} : { container }) }), tty === true);
}

/** Copies a stream to the terminal until it ends; events that come before the id is known are kept. */
async function pump({ api, on, terminal, signal }: CliContext, open: () => Promise<string>, input = false): Promise<number> {
  let id: string | undefined;
  const early: Parameters<Parameters<typeof on<'stream'>>[1]>[0][] = [];
  return await new Promise<number>((resolve, reject) => {
    const take = (event: (typeof early)[number]): void => {
      if (id === undefined) { early.push(event); return; }
      if (event.stream !== id) return;
      if (event.data !== undefined) terminal.write(event.data);
      if (event.end !== undefined) { stop(); resolve(event.end.exitCode ?? 0); }
    };
    const stopListening = on('stream', take);
    const typed = (data: Buffer): void => { if (id !== undefined) api.write({ stream: id, data: data.toString('utf8') }).catch(reject); };
    const close = (): void => { stop(); if (id !== undefined) api.close({ stream: id }).catch(reject); resolve(0); };
    const stop = (): void => {
      stopListening();
      signal.removeEventListener('abort', close);
      process.stdin.off('data', typed);
      process.stdin.pause();
    };
    signal.addEventListener('abort', close);
    if (input) process.stdin.on('data', typed);
    open().then((opened) => { id = opened; early.splice(0).forEach(take); }, (error: unknown) => { stop(); reject(error instanceof Error ? error : new Error(String(error))); });
  });
}
