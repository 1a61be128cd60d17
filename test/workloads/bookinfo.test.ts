import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { standIn, type Started } from './start.ts';

const started: { stop(): Promise<unknown> }[] = [];
afterEach(async () => { await Promise.all(started.splice(0).map((one) => one.stop())); });

async function begin(name: string, env: Readonly<Record<string, string>> = {}): Promise<Started> {
  const one = await standIn(name, env);
  started.push(one);
  return one;
}

const at = (name: string, one: Started): Record<string, string> => ({ [`${name}_HOSTNAME`]: '127.0.0.1', [`${name}_SERVICE_PORT`]: String(one.port()) });

/** A service that answers as the test wants, and notes the headers that it was sent. */
async function upstream(answer: { status: number; body?: string; delay?: number }): Promise<Started & { readonly seen: Record<string, unknown>[] }> {
  const seen: Record<string, unknown>[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers);
    setTimeout(() => response.writeHead(answer.status).end(answer.body ?? ''), answer.delay ?? 0);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const one = { seen, log: [], url: () => '', port: () => port, get: () => Promise.reject(new Error('not for this')), stop: () => new Promise<void>((done) => { server.close(() => done()); server.closeAllConnections(); }) };
  started.push(one);
  return one;
}

async function whole(version: string): Promise<Started> {
  const ratings = await begin('bookinfo-ratings-v1');
  const reviews = await begin(`bookinfo-reviews-${version}`, at('RATINGS', ratings));
  const details = await begin('bookinfo-details-v1');
  return begin('bookinfo-productpage-v1', { ...at('DETAILS', details), ...at('REVIEWS', reviews), ...at('RATINGS', ratings) });
}

describe('Bookinfo', () => {
  it.each([['v1', 0, undefined], ['v2', 9, 'black'], ['v3', 9, 'red']])('shows a page with the stars of reviews %s', async (version, stars, color) => {
    const page = await (await (await whole(version)).get('/productpage')).text();
    expect(page).toContain('<title>Simple Bookstore App</title>');
    expect(page).toContain('The Comedy of Errors');
    expect(page).toContain('PublisherA');
    expect(page).toContain('Reviewer2');
    expect(page).toContain(`bookinfo-reviews-${version}-pod`);
    expect([...page.matchAll(/★/g)]).toHaveLength(stars);
    if (color !== undefined) expect(page).toContain(`color: ${color}`);
  });

  it('serves its API as the original', async () => {
    const page = await whole('v3');
    expect(await (await page.get('/api/v1/products')).json()).toMatchObject([{ id: 0, title: 'The Comedy of Errors' }]);
    expect(await (await page.get('/api/v1/products/0')).json()).toMatchObject({ id: 0, author: 'William Shakespeare', 'ISBN-10': '1234567890' });
    expect(await (await page.get('/api/v1/products/0/ratings')).json()).toEqual({ id: 0, ratings: { Reviewer1: 5, Reviewer2: 4 } });
    expect(await (await page.get('/api/v1/products/0/reviews')).json()).toMatchObject({ id: '0', clustername: 'null', reviews: [{ reviewer: 'Reviewer1', rating: { stars: 5, color: 'red' } }, { reviewer: 'Reviewer2', rating: { stars: 4, color: 'red' } }] });
    expect(await (await page.get('/health')).text()).toBe('Product page is healthy');
    expect((await page.get('/nothing')).status).toBe(404);
  });

  it('says what is not available, and shows the rest', async () => {
    const broken = await upstream({ status: 503 });
    const reviews = await begin('bookinfo-reviews-v2', at('RATINGS', broken));
    const ratingsGone = await begin('bookinfo-productpage-v1', { ...at('DETAILS', broken), ...at('REVIEWS', reviews) });
    const first = await ratingsGone.get('/productpage');
    expect(first.status).toBe(200);
    const text = await first.text();
    expect(text).toContain('Error fetching product details!');
    expect(text).toContain('Sorry, product details are currently unavailable for this book.');
    expect(text).toContain('Ratings service is currently unavailable');
    const calls = broken.seen.length;
    const reviewsGone = await begin('bookinfo-productpage-v1', { ...at('DETAILS', broken), ...at('REVIEWS', broken) });
    const answer = await reviewsGone.get('/api/v1/products/0/reviews');
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({ error: 'Sorry, product reviews are currently unavailable for this book.' });
    expect(broken.seen.length - calls).toBe(2);
  });

  it('gives reviews three seconds, twice: the mistake that fault injection finds', async () => {
    const slow = await upstream({ status: 200, body: '{}', delay: 7000 });
    const page = await begin('bookinfo-productpage-v1', at('REVIEWS', slow));
    const before = performance.now();
    const answer = await page.get('/api/v1/products/0/reviews');
    const took = performance.now() - before;
    expect(answer.status).toBe(500);
    expect(took).toBeGreaterThan(5900);
    expect(took).toBeLessThan(7000);
  }, 15_000);

  it('passes on the headers of a trace, and who is signed in', async () => {
    const seen = await upstream({ status: 200, body: '{}' });
    const page = await begin('bookinfo-productpage-v1', at('DETAILS', seen));
    const login = await page.get('/login', { method: 'POST', body: new URLSearchParams({ username: 'jason', passwd: 'x' }), headers: { referer: `${page.url()}/productpage?u=test` } });
    expect(login.status).toBe(302);
    expect(login.headers.get('location')).toBe('/productpage?u=test');
    const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? '';
    await page.get('/api/v1/products/0', { headers: { cookie, 'x-request-id': 'r1', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'x-b3-traceid': 'b3', 'x-other': 'no', 'end-user': 'forged' } });
    expect(seen.seen[0]).toMatchObject({ 'end-user': 'jason', 'x-request-id': 'r1', 'x-b3-traceid': 'b3', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', cookie });
    expect(seen.seen[0]).not.toHaveProperty('x-other');
    await page.get('/api/v1/products/0', { headers: { 'end-user': 'forged' } });
    expect(seen.seen[1]).not.toHaveProperty('end-user');
    expect((await page.get('/logout', { headers: { cookie, referer: 'https://evil.example/x' } })).headers.get('location')).toBe('/productpage');
    expect(await (await page.get('/productpage', { headers: { cookie } })).text()).toContain('jason');
  });

  it('shows hostile names and reviews as text', async () => {
    const hostile = await upstream({ status: 200, body: JSON.stringify({ id: '0', podname: '<script>p</script>', reviews: [{ reviewer: '<b>', text: '<script>alert(1)</script>', rating: { stars: 1e9, color: 'red"onload="x' } }] }) });
    const page = await begin('bookinfo-productpage-v1', { ...at('DETAILS', hostile), ...at('REVIEWS', hostile) });
    const session = Buffer.from(JSON.stringify({ user: '<img src=x>\r\nX: y' })).toString('base64url');
    const text = await (await page.get('/productpage', { headers: { cookie: `session=${session}` } })).text();
    expect(text).not.toMatch(/<script>|<img|onload=/);
    expect([...text.matchAll(/★/g)]).toHaveLength(5);
  });

  it('takes ratings that are posted, and refuses nonsense', async () => {
    const ratings = await begin('bookinfo-ratings-v1');
    expect((await ratings.get('/ratings/3', { method: 'POST', body: '{"Reviewer1":1}' })).status).toBe(200);
    expect(await (await ratings.get('/ratings/3')).json()).toEqual({ id: 3, ratings: { Reviewer1: 1 } });
    expect((await ratings.get('/ratings/3', { method: 'POST', body: 'no' })).status).toBe(400);
    expect((await ratings.get('/ratings/x')).status).toBe(400);
    expect(await (await ratings.get('/health')).json()).toEqual({ status: 'Ratings is healthy' });
  });

  it('needs its database for ratings v2', async () => {
    const database = await upstream({ status: 200 });
    const up = await begin('bookinfo-ratings-v2', { MONGO_DB_URL: `mongodb://127.0.0.1:${database.port()}/test` });
    expect((await up.get('/ratings/0')).status).toBe(200);
    expect((await up.get('/ratings/0', { method: 'POST', body: '{"Reviewer1":1}' })).status).toBe(501);
    const down = await begin('bookinfo-ratings-v2', { DB_TYPE: 'mysql', MYSQL_DB_HOST: '127.0.0.1', MYSQL_DB_PORT: '1' });
    expect(await (await down.get('/ratings/0')).json()).toEqual({ error: 'could not connect to ratings database' });
  });

  it('stops at once, whatever is under way', async () => {
    const slow = await upstream({ status: 200, body: '{}', delay: 60_000 });
    const page = await standIn('bookinfo-productpage-v1', at('DETAILS', slow));
    const call = page.get('/productpage').catch(() => 'gone');
    while (slow.seen.length === 0) await new Promise((done) => setTimeout(done, 5));
    const before = performance.now();
    await page.stop();
    expect(performance.now() - before).toBeLessThan(500);
    expect(await call).toBe('gone');
  });
});
