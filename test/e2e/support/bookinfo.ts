import { request as httpRequest } from 'node:http';
import { get, sample, type Answer } from './index.ts';

/** Bookinfo with its gateway, as Istio ships it. */
export const bookinfo = (): ReturnType<typeof sample> => sample('bookinfo/platform/kube/bookinfo.yaml', 'bookinfo/networking/bookinfo-gateway.yaml');

/** A file of Bookinfo's networking rules, as it is. */
export const rule = (...names: readonly string[]): ReturnType<typeof sample> => sample(...names.map((name) => `bookinfo/networking/${name}.yaml`));

/** What the reviews part of a product page shows. */
export type Shown = 'no stars' | 'black stars' | 'red stars' | 'ratings unavailable' | 'reviews unavailable' | 'unknown';

/** Reads a product page as a person would. */
export function shown({ body }: Answer): Shown {
  if (/product reviews are currently unavailable/i.test(body)) return 'reviews unavailable';
  if (/ratings service is currently unavailable/i.test(body)) return 'ratings unavailable';
  if (/(color:\s*|text-|")red/i.test(reviewsOf(body)) && /glyphicon-star|★|&#9733;/.test(body)) return 'red stars';
  if (/glyphicon-star|★|&#9733;/.test(body)) return 'black stars';
  return /book reviews|reviewer/i.test(body) ? 'no stars' : 'unknown';
}

function reviewsOf(body: string): string {
  return body.slice(Math.max(0, body.search(/book reviews/i)));
}

/** Signs in as the page's own form does; the answer is the cookie to send along. */
export async function signIn(ingress: string, username: string): Promise<Readonly<Record<string, string>>> {
  const form = `username=${encodeURIComponent(username)}&passwd=`;
  return await new Promise((resolve, reject) => {
    const request = httpRequest(new URL('/login', ingress), { method: 'POST', agent: false, headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': form.length } }, (response) => {
      response.resume();
      response.on('end', () => {
        const cookie = (response.headers['set-cookie'] ?? []).map((value) => value.split(';')[0]).join('; ');
        if (cookie === '') reject(new Error(`no session: ${response.statusCode}`)); else resolve({ cookie });
      });
    });
    request.on('error', reject);
    request.end(form);
  });
}

/** What many product pages show, counted. */
export async function tally(ingress: string, times: number, headers: Readonly<Record<string, string>> = {}): Promise<Readonly<Partial<Record<Shown, number>>>> {
  const counts: Partial<Record<Shown, number>> = {};
  for (let done = 0; done < times; done += 10) {
    const answers = await Promise.all(Array.from({ length: Math.min(10, times - done) }, () => get(new URL('/productpage', ingress), headers)));
    for (const answer of answers) {
      const what = answer.status === 200 ? shown(answer) : 'unknown';
      counts[what] = (counts[what] ?? 0) + 1;
    }
  }
  return counts;
}
