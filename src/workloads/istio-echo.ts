import { readFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { canonicalName } from './echo-basic.ts';
import { choose, milliseconds } from './fortio.ts';
import { listen, pause, serveHttp, text, together, type Handler, type Running, type StandInContext } from './server.ts';

const longestDelay = 60_000;

/** Istio's test echo: says line by line what it was asked. `--port`, `--tcp`, `--server-first`, `--tls` with `--crt` and `--key`, `--version`, `--cluster`; gRPC ports are not served. */
export async function istioEcho(context: StandInContext): Promise<Running> {
  const flags = readFlags(context.args);
  const one = (name: string): string => flags.get(name)?.at(-1) ?? '';
  const ports = (name: string): readonly number[] => (flags.get(name) ?? []).map(Number).filter((port) => Number.isInteger(port) && port > 0 && port < 65_536);
  const secure = new Set(ports('tls'));
  const tls = secure.size > 0 && one('crt') !== '' && one('key') !== '' ? await keyPair(context, one('crt'), one('key')) : undefined;
  const facts: Facts = { version: one('version'), cluster: one('cluster'), hostname: context.env['HOSTNAME'] ?? context.hostname };
  const http = ports('port');
  const serverFirst = new Set(ports('server-first'));
  return together([
    ...(http.length === 0 ? [8080] : http).map((port) => serveHttp(context, port, echo(facts), secure.has(port) ? tls : undefined)),
    ...ports('tcp').map((port) => echoBytes(context, port, facts, serverFirst.has(port))),
  ]);
}

/** The original’s image brings certificates along; where the files are missing here, its TLS ports speak plain HTTP, and the log says so. */
async function keyPair(context: StandInContext, crt: string, key: string): Promise<{ readonly cert: string; readonly key: string } | undefined> {
  try {
    return { cert: await readFile(crt, 'utf8'), key: await readFile(key, 'utf8') };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    context.log(`no ${crt} and ${key}: TLS ports speak plain HTTP`);
    return undefined;
  }
}

interface Facts {
  readonly version: string;
  readonly cluster: string;
  readonly hostname: string;
}

function echo({ version, cluster, hostname }: Facts): Handler {
  return async ({ method, target, query, headers, rawHeaders, proto, remote, port, body, signal }) => {
    const delay = milliseconds(query.get('delay') ?? '');
    if (delay > 0) await pause(Math.min(delay, longestDelay), signal);
    const code = Number(choose(query.get('codes') ?? '')) || 200;
    const extra = (query.get('headers') ?? '').split(',').map((pair) => pair.split(':')).filter(([name]) => /^[A-Za-z0-9-]+$/.test(name ?? ''));
    const lines = [
      `ServiceVersion=${version}`, `ServicePort=${port}`, `Host=${headers.host ?? ''}`, `URL=${target}`, `Cluster=${cluster}`, `Method=${method}`, `Proto=${proto}`, `IP=${remote}`,
      ...rawHeaders.filter(([name]) => name.toLowerCase() !== 'host').map(([name, value]) => `RequestHeader=${canonicalName(name)}:${value}`),
      `StatusCode=${code}`, `Hostname=${hostname}`, ...(body.length === 0 ? [] : ['', body.toString('utf8')]),
    ];
    const reply = text(code >= 200 && code <= 599 ? code : 200, `${lines.join('\n')}\n`);
    return { ...reply, headers: { ...reply.headers, ...Object.fromEntries(extra.map(([name = '', ...value]) => [name, value.join(':').replace(/[^\x20-\x7e]/g, '')])) } };
  };
}

function echoBytes(context: StandInContext, port: number, { version, cluster, hostname }: Facts, speaksFirst: boolean): Promise<Running> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    if (speaksFirst) socket.write('hello\n');
    const about = `StatusCode=200\nServiceVersion=${version}\nServicePort=${port}\nCluster=${cluster}\nProto=TCP\nIP=${(socket.remoteAddress ?? '').replace(/^::ffff:/, '')}\nHostname=${hostname}\n`;
    socket.once('data', () => context.log(`TCP connection on ${port}`));
    socket.once('data', (first: Buffer) => {
      socket.write(about);
      socket.write(first);
      socket.pipe(socket);
    });
    socket.on('end', () => socket.end());
    // `close` follows.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  });
  return listen(context, port, server, () => { for (const socket of sockets) socket.destroy(); });
}

/** `--name=value` and `--name value`, each name with all of its values; commas join several. */
function readFlags(args: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const flags = new Map<string, string[]>();
  for (const [index, arg] of args.entries()) {
    const match = /^--?([a-z-]+)(?:=(.*))?$/.exec(arg);
    if (match === null) continue;
    const [, name = '', inline] = match;
    const next = args[index + 1];
    const value = inline ?? (next === undefined || next.startsWith('-') ? '' : next);
    flags.set(name, [...(flags.get(name) ?? []), ...value.split(',')]);
  }
  return flags;
}
