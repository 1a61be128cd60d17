import { json, serveHttp, text, type Handler, type Running, type StandInContext } from '../server.ts';
import { createCaller, forwardedHeaders, serviceUrl, type Call } from './call.ts';
import { portOf } from './details.ts';

interface Rating {
  readonly stars?: number;
  readonly color?: string;
  readonly error?: string;
}

const texts = {
  Reviewer1: 'Shakespeare at play: quick, warm and very funny. The mix-ups never let up.',
  Reviewer2: 'A joy from the first scene to the last, though other plays of his go deeper.',
} as const;
const ratingsUnavailable = 'Ratings service is currently unavailable';

/** Bookinfo's reviews: v1 without ratings, v2 with black stars, v3 with red ones. `ENABLE_RATINGS` and `STAR_COLOR` override. */
export async function reviews(context: StandInContext, version: string): Promise<Running> {
  const { env } = context;
  const { call, close } = createCaller();
  const rated = (env['ENABLE_RATINGS'] ?? String(version !== 'v1')) === 'true';
  const color = env['STAR_COLOR'] ?? (version === 'v3' ? 'red' : 'black');
  // The patience of v2 is what the fault injection task finds out about.
  const timeout = color === 'black' ? 10_000 : 2500;
  const ratingsUrl = `${serviceUrl('ratings', env)}/ratings`;
  const handler: Handler = async ({ method, path, headers }) => {
    if (path === '/health') return json(200, { status: 'Reviews is healthy' });
    const match = /^\/reviews\/(-?\d+)$/.exec(path);
    if (match === null) return text(404, 'Not Found\n');
    if (method !== 'GET') return text(405, 'Method Not Allowed\n');
    const id = match[1] ?? '0';
    const stars = rated ? await fetchRatings(`${ratingsUrl}/${id}`, forwardedHeaders(headers, ['end-user']), { call, timeout, log: context.log }) : undefined;
    return json(200, {
      id, podname: env['HOSTNAME'] ?? context.hostname, clustername: env['CLUSTER_NAME'] ?? 'null',
      reviews: Object.entries(texts).map(([reviewer, words]) => ({ reviewer, text: words, ...(rated ? { rating: ratingOf(stars?.[reviewer], color) } : {}) })),
    });
  };
  const running = await serveHttp(context, portOf(context), handler);
  return { ...running, stop: async () => { close(); await running.stop(); } };
}

function ratingOf(stars: number | undefined, color: string): Rating {
  return stars === undefined || stars === -1 ? { error: ratingsUnavailable } : { stars, color };
}

interface Client {
  readonly call: Call;
  readonly timeout: number;
  log(line: string): void;
}

/** Stars by reviewer; `undefined` when ratings do not answer with 200. */
async function fetchRatings(url: string, headers: Readonly<Record<string, string>>, { call, timeout, log }: Client): Promise<Readonly<Record<string, number>> | undefined> {
  try {
    const { status, body } = await call(url, headers, timeout);
    if (status === 200) return (JSON.parse(body) as { readonly ratings?: Readonly<Record<string, number>> }).ratings;
    log(`unable to contact ${url}, got status of ${status}`);
  } catch (error) {
    log(`unable to contact ${url}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return undefined;
}
