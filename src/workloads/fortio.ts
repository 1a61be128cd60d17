import { pause, serveHttp, text, together, type Handler, type Running, type StandInContext } from './server.ts';
import { echoLines } from './tcp-echo.ts';

const longestDelay = 60_000;
const maxSize = 10 * 1024 * 1024;

/** Fortio's echo server: the body comes back; `status`, `delay`, `size` and `header` in the query shape the answer. TCP echo on 8078. The load generator is not in it. */
export function fortio(context: StandInContext): Promise<Running> {
  return together([serveHttp(context, 8080, echo), echoLines(context, 8078, '')]);
}

const echo: Handler = async ({ path, query, body, method, target, proto, rawHeaders, signal }) => {
  const delay = milliseconds(choose(query.get('delay') ?? ''));
  if (delay > 0) await pause(Math.min(delay, longestDelay), signal);
  if (path === '/debug' || path === '/debug/') return text(200, `${method} ${target} ${proto}\n\n${rawHeaders.map(([name, value]) => `${name}: ${value}\n`).join('')}\nbody:\n\n${body.toString('utf8')}\n`);
  const status = Number(choose(query.get('status') ?? '')) || 200;
  const size = query.get('size');
  const headers = query.getAll('header').map((line): [string, string] => [line.slice(0, line.indexOf(':')).trim(), line.slice(line.indexOf(':') + 1).trim()]).filter(([name, value]) => /^[A-Za-z0-9-]+$/.test(name) && !/[^\x20-\x7e]/.test(value));
  return {
    status: status >= 200 && status <= 599 ? status : 200, headers: { 'content-type': 'text/plain; charset=UTF-8', ...Object.fromEntries(headers) },
    body: size === null ? body : Buffer.alloc(Math.min(maxSize, Math.max(0, Number(size) || 0)), '#'),
  };
};

/** Picks from `503:10,404:5`, percentages, the rest empty; a value without a percentage is itself. */
export function choose(choices: string, random: number = Math.random()): string {
  let below = 0;
  for (const choice of choices.split(',')) {
    const [value = '', percent] = choice.split(':');
    if (percent === undefined) return value;
    below += Number(percent) / 100;
    if (random < below) return value;
  }
  return '';
}

/** `1s`, `1.5s`, `150ms`, `1m` in milliseconds; 0 for anything else. */
export function milliseconds(duration: string): number {
  const match = /^(\d+(?:\.\d+)?)(us|µs|ms|s|m|h)$/.exec(duration);
  const units: Readonly<Record<string, number>> = { us: 0.001, 'µs': 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  return match === null ? 0 : Number(match[1]) * (units[match[2] ?? ''] ?? 0);
}
