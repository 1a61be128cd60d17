import { CommanderError } from 'commander';
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { text } from 'node:stream/consumers';
import { toLabError } from '../contract/index.ts';
import { openCore } from '../core/open-core.ts';
import { serveLab } from '../server/index.ts';
import type { CliContext } from './context.ts';
import { errorText, type Terminal } from './print.ts';
import { program, type Act } from './program.ts';

/** Exit codes: 0 good, 1 failed, 2 wrong usage. */
const failed = 1;
const usage = 2;

const dist = join(dirname(fileURLToPath(import.meta.url)), '..');
const json = process.argv.includes('--json');
const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => { interrupt.abort(); });

const terminal: Terminal = {
  json,
  interactive: process.stderr.isTTY,
  out: (line) => { process.stdout.write(`${line}\n`); },
  write: (data) => { process.stdout.write(data); },
  err: (line) => { process.stderr.write(`${line}\n`); },
};

/** This program again, on its own. */
const background = (args: readonly string[]): number => {
  const child = spawn(process.execPath, [process.argv[1] ?? '', ...args], { detached: true, stdio: 'ignore', windowsHide: true });
  child.on('error', () => { terminal.err(`Nobody restarts what fails in this lab: weft ${args.join(' ')} could not be started.`); });
  child.unref();
  return child.pid ?? 0;
};

const act: Act = async (action) => {
  const core = openCore({ dist, env: process.env, platform: process.platform });
  const context: CliContext = { api: core, on: core.on, terminal, signal: interrupt.signal, stdin: () => text(process.stdin), background };
  try {
    const outcome = await action(context);
    process.exitCode = typeof outcome === 'number' ? outcome : outcome === false ? failed : 0;
  } finally {
    await core.stop();
  }
};

const serve = async (options: { readonly port?: string }): Promise<void> => {
  const core = openCore({ dist, env: process.env, platform: process.platform });
  const server = await serveLab({ lab: core, rendererDir: join(dist, 'renderer'), ...(options.port === undefined ? {} : { port: Number(options.port) }) });
  terminal.out(json ? JSON.stringify({ url: server.url }) : `Weft is at ${server.url}\nThe link holds this launch’s token; Ctrl-C stops the server, labs go on.`);
  await new Promise<void>((resolve) => { interrupt.signal.addEventListener('abort', () => { resolve(); }); });
  await server.close();
  await core.stop();
};

try {
  const weft = program(process.env['npm_package_version'] ?? '0.1.0', act, serve);
  for (const command of [weft, ...weft.commands]) {
    command.exitOverride();
    // What is wrong is said as JSON once, at the end.
    if (json) command.configureOutput({ writeErr: () => undefined });
  }
  await weft.parseAsync(process.argv.filter((argument) => argument !== '--json'), { from: 'node' });
} catch (error) {
  process.exitCode = exitFor(error);
}
// What is left open (a pipe of the terminal, a keep-alive socket) must not hold the command.
process.exit();

function exitFor(error: unknown): number {
  if (error instanceof CommanderError) {
    if (json && error.exitCode !== 0) terminal.err(JSON.stringify({ error: { code: 'usage', message: error.message.replace(/^error: /, ''), help: 'weft --help shows every command.' } }));
    return error.exitCode === 0 ? 0 : usage;
  }
  const shown = error instanceof TypeError ? { code: 'usage' as const, message: error.message } : toLabError(error);
  terminal.err(json ? JSON.stringify({ error: shown }) : errorText(shown));
  if (shown.code === 'internal' && error instanceof Error && process.env['WEFT_DEBUG'] !== undefined) terminal.err(error.stack ?? '');
  return shown.code === 'usage' ? usage : failed;
}
