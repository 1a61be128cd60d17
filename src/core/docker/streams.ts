import { PassThrough, type Duplex, type Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type Docker from 'dockerode';
import type { EngineEvent, EventStream, ExecOptions, ExecSession, Labels, LogOptions, LogStream } from './engine.ts';
import { engineFailure } from './failures.ts';
import { labelFilter } from './shapes.ts';

/** Opens a container's output; frames of the engine's multiplexed format are taken apart. */
export async function openLogs(docker: Docker, id: string, options: LogOptions): Promise<LogStream> {
  const container = docker.getContainer(id);
  const tty = (await container.inspect()).Config.Tty;
  const query = { stdout: true, stderr: true, tail: options.tail, timestamps: options.timestamps === true, ...(options.since === undefined ? {} : { since: Math.floor(options.since / 1000) }) };
  const output = new PassThrough();
  if (!options.follow) {
    const text = (await container.logs({ ...query, follow: false })) as unknown as Buffer | string;
    const source = new PassThrough();
    join(docker, source, output, tty);
    source.end(Buffer.isBuffer(text) ? text : Buffer.from(String(text)));
    return { output, close: () => { output.destroy(); } };
  }
  const source = (await container.logs({ ...query, follow: true })) as unknown as Readable;
  join(docker, source, output, tty);
  return { output, close: () => { source.destroy(); output.destroy(); } };
}

/** Starts a command in a container, attached to it. */
export async function openExec(docker: Docker, id: string, options: ExecOptions): Promise<ExecSession> {
  const exec = await docker.getContainer(id).exec({
    Cmd: [...options.command], Tty: options.tty, AttachStdin: true, AttachStdout: true, AttachStderr: true,
    Env: Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`), ...(options.user === undefined ? {} : { User: options.user }),
  });
  const input: Duplex = await exec.start({ hijack: true, stdin: true, Tty: options.tty });
  const output = new PassThrough();
  join(docker, input, output, options.tty);
  const resize = async (columns: number, rows: number): Promise<void> => {
    try { await exec.resize({ w: columns, h: rows }); } catch (error) { throw engineFailure(error, 'resize a terminal'); }
  };
  if (options.size !== undefined && options.tty) await resize(options.size.columns, options.size.rows);
  return { output, input, resize, exitCode: ended(output).then(() => codeOf(exec)), close: () => { input.destroy(); output.destroy(); } };
}

/** The code is there a moment after the output has ended. */
async function codeOf(exec: Docker.Exec): Promise<number> {
  for (let wait = 5; wait <= 320; wait *= 2) {
    const { Running, ExitCode } = await exec.inspect();
    if (!Running) return ExitCode ?? 0;
    await new Promise((resolve) => { setTimeout(resolve, wait); });
  }
  return -1;
}

function ended(stream: Readable): Promise<void> {
  return new Promise((resolve) => { stream.once('close', resolve); stream.once('end', resolve); });
}

/** Joins standard output and error into one stream; a terminal's is one already. */
function join(docker: Docker, source: Readable, output: PassThrough, tty: boolean): void {
  const end = (): void => { output.end(); };
  source.once('end', end);
  source.once('close', end);
  source.once('error', end);
  if (tty) source.pipe(output, { end: false });
  else docker.modem.demuxStream(source, output, output);
}

interface RawEvent { readonly Type?: string; readonly Action?: string; readonly timeNano?: number; readonly Actor?: { readonly ID?: string; readonly Attributes?: Labels } }

/** Opens the engine's event stream for what carries these labels. */
export async function openEvents(docker: Docker, labels: Labels, onEvent: (event: EngineEvent) => void): Promise<EventStream> {
  const source = (await docker.getEvents({ filters: { label: labelFilter(labels) } })) as Readable;
  const read = async (): Promise<void> => {
    try {
      for await (const line of lines(source)) {
        const event = JSON.parse(line) as RawEvent;
        onEvent({ type: event.Type ?? '', action: event.Action ?? '', id: event.Actor?.ID ?? '', labels: event.Actor?.Attributes ?? {}, time: (event.timeNano ?? 0) / 1e6 });
      }
    } catch (error) {
      // A connection that breaks off is how an engine's end looks.
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    }
  };
  return { ended: read(), close: () => { source.destroy(); } };
}

/** The lines of a stream of text, without those that are empty. */
export async function* lines(source: Readable): AsyncGenerator<string> {
  const decoder = new StringDecoder();
  let rest = '';
  for await (const chunk of source) {
    const parts = (rest + decoder.write(chunk as Buffer)).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) if (part.trim() !== '') yield part;
  }
  if (rest.trim() !== '') yield rest;
}
