import { connect } from 'node:net';
import { json, pause, serveHttp, text, type Handler, type Reply, type Request, type Running, type StandInContext } from '../server.ts';
import { portOf } from './details.ts';

type Ratings = Readonly<Record<string, number>>;

const standard: Ratings = { Reviewer1: 5, Reviewer2: 4 };
const halfOfTheTime = 0.5;
const delay = 7000;
const minute = 60_000;

/**
 * Bookinfo's ratings. v2 asks a database first (`MONGO_DB_URL`, or `DB_TYPE=mysql` with `MYSQL_DB_HOST` and `MYSQL_DB_PORT`); it reaches out to it
 * but does not speak its protocol: where a connection opens, the standard ratings are answered. `v-faulty`, `v-delayed`, `v-unavailable` and `v-unhealthy` misbehave as their names say.
 */
export function ratings(context: StandInContext, given: string): Promise<Running> {
  const version = context.env['SERVICE_VERSION'] ?? given;
  const posted = new Map<number, Ratings>();
  const started = performance.now();
  // Every other minute.
  const down = (): boolean => Math.floor((performance.now() - started) / minute) % 2 === 1;

  async function get(id: number, signal: AbortSignal): Promise<Reply> {
    if (version === 'v2' && !(await databaseAnswers(context.env))) return json(500, { error: 'could not connect to ratings database' });
    if (version === 'v-faulty' && Math.random() < halfOfTheTime) return json(503, { error: 'Service unavailable' });
    if ((version === 'v-unavailable' || version === 'v-unhealthy') && down()) return json(503, { error: 'Service unavailable' });
    if (version === 'v-delayed' && Math.random() < halfOfTheTime) await pause(delay, signal);
    return json(200, { id, ratings: posted.get(id) ?? standard });
  }

  function post(id: number, request: Request): Reply {
    if (version === 'v2') return json(501, { error: 'ratings that come from a database cannot be posted' });
    const given = readRatings(request.body);
    if (given === undefined) return json(400, { error: 'please provide valid ratings JSON' });
    posted.set(id, given);
    return json(200, { id, ratings: given });
  }

  const handler: Handler = (request) => {
    if (request.path === '/health') return version === 'v-unhealthy' && down() ? json(500, { status: 'Ratings is not healthy' }) : json(200, { status: 'Ratings is healthy' });
    const match = /^\/ratings\/([^/]*)$/.exec(request.path);
    if (match === null) return text(404, 'Not Found\n');
    const id = Number.parseInt(match[1] ?? '', 10);
    if (Number.isNaN(id)) return json(400, { error: 'please provide numeric product ID' });
    if (request.method === 'GET') return get(id, request.signal);
    return request.method === 'POST' || request.method === 'PUT' ? post(id, request) : text(405, 'Method Not Allowed\n');
  };
  return serveHttp(context, portOf(context), handler);
}

function readRatings(body: Buffer): Ratings | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return Object.values(value).every((stars) => typeof stars === 'number') ? (value as Ratings) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a connection to the configured database opens within three seconds. */
function databaseAnswers(env: Readonly<Record<string, string | undefined>>): Promise<boolean> {
  const { host, port } = database(env);
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 3000 });
    const done = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.on('connect', () => done(true)).on('error', () => done(false)).on('timeout', () => done(false));
  });
}

function database(env: Readonly<Record<string, string | undefined>>): { readonly host: string; readonly port: number } {
  if (env['DB_TYPE'] === 'mysql') return { host: env['MYSQL_DB_HOST'] ?? 'mysqldb', port: Number(env['MYSQL_DB_PORT'] ?? 3306) };
  const match = /^mongodb:\/\/(?:[^@/]*@)?([^:/]+)(?::(\d+))?/.exec(env['MONGO_DB_URL'] ?? '');
  return { host: match?.[1] ?? 'mongodb', port: Number(match?.[2] ?? 27_017) };
}
