import { LabFailure, type ErrorCode } from '../../contract/index.ts';

/** What an engine says when something is wrong, as far as we read it: docker-modem's errors have `statusCode`, sockets' have `code`. */
export interface RawFailure {
  readonly message: string;
  readonly statusCode?: number | undefined;
  readonly code?: string | undefined;
}

interface Rule {
  readonly code: ErrorCode;
  readonly when: (failure: RawFailure, task: string) => boolean;
  readonly say: (failure: RawFailure, task: string) => string;
  readonly help: string;
}

const gone = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EHOSTUNREACH', 'EAI_AGAIN']);

/** In this order; the first that fits names the failure. */
const rules: readonly Rule[] = [
  {
    code: 'cancelled', when: (f) => f.code === 'ABORT_ERR' || f.code === 'ERR_ABORTED',
    say: (_, task) => `Cancelled: ${task}.`, help: 'Nothing to do.',
  },
  {
    code: 'engine-disk-full', when: (f) => /no space left on device|disk quota exceeded|not enough space|ENOSPC/i.test(f.message),
    say: (_, task) => `The Docker engine has no disk space left (${task}).`,
    help: 'Free some: `docker system df` shows what takes space, `docker image prune` and `docker volume prune` remove what is unused. In Docker Desktop: Settings → Resources → Disk.',
  },
  {
    code: 'port-taken', when: (f) => /port is already allocated|address already in use|ports are not available|failed to bind|bind: An attempt was made to access a socket/i.test(f.message),
    say: (f) => `${port(f.message)} on 127.0.0.1 is taken by another program.`,
    help: 'Stop the program that listens there, or let Weft choose a free port.',
  },
  {
    code: 'engine-too-old', when: (f) => /client version [\d.]+ is too (new|old)|minimum supported API version|Maximum supported API version/i.test(f.message),
    say: (f) => `The Docker engine speaks another API version: ${clean(f.message)}.`, help: 'Update the engine to Docker 20.10 or later (API 1.41).',
  },
  {
    code: 'image-unavailable',
    when: (f, task) => /pull|image/.test(task) && (f.statusCode === 404 || /pull access denied|manifest unknown|no matching manifest|repository does not exist|unauthorized|denied:|toomanyrequests|lookup .* (no such host|server misbehaving)|TLS handshake timeout|i\/o timeout|connection refused|context deadline exceeded|Client\.Timeout|No such image|network is unreachable/i.test(f.message)),
    say: (f, task) => `An image is not available (${task}): ${clean(f.message)}.`,
    help: 'Check the name and that a registry can be reached (`docker pull NAME`); behind a proxy, tell the engine about it. Sample images run as stand-ins without a registry.',
  },
  {
    code: 'engine-gone', when: (f) => (f.code !== undefined && gone.has(f.code)) || /socket hang up|EACCES|permission denied.*(docker|socket)/i.test(f.message) || f.code === 'EACCES',
    say: (f, task) => `The Docker engine does not answer (${task}): ${clean(f.message)}.`, help: 'Start the engine (Docker Desktop, or `systemctl start docker`). Running labs come back by themselves when it does.',
  },
];

/** Any failure of a call to the engine: a LabFailure with its code where we know what to do about it, else `internal` with the engine's own words. */
export function engineFailure(error: unknown, task: string): LabFailure {
  if (error instanceof LabFailure) return error;
  const failure = raw(error);
  const rule = rules.find((candidate) => candidate.when(failure, task));
  if (rule === undefined) return new LabFailure('internal', `The Docker engine refused (${task}): ${clean(failure.message)}.`, { cause: error });
  return new LabFailure(rule.code, rule.say(failure, task), { help: rule.help, cause: error });
}

/** The status of the engine's answer, when it did answer. */
export function statusOf(error: unknown): number | undefined {
  return raw(error).statusCode;
}

/** Narrows whatever was thrown to the three fields that the rules read. */
function raw(error: unknown): RawFailure {
  if (typeof error !== 'object' || error === null) return { message: String(error) };
  const { message, statusCode, code, name } = error as { message?: unknown; statusCode?: unknown; code?: unknown; name?: unknown };
  return {
    message: typeof message === 'string' ? message : String(error),
    statusCode: typeof statusCode === 'number' ? statusCode : undefined,
    code: name === 'AbortError' ? 'ABORT_ERR' : typeof code === 'string' ? code : undefined,
  };
}

/** The engine's words without the client's decoration. */
function clean(message: string): string {
  return message.replace(/^\(HTTP code \d+\) [^-]*- /, '').trim().replace(/\.$/, '');
}

function port(message: string): string {
  const found = /(?:0\.0\.0\.0|127\.0\.0\.1|\[::\]|:::?):(\d+)/.exec(message)?.[1] ?? /port (\d+)/i.exec(message)?.[1];
  return found === undefined ? 'A port' : `Port ${found}`;
}
