import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { startLoad } from '../../../src/core/load/index.ts';
import { latencies } from '../../../src/core/load/latencies.ts';

let server: Server | undefined;
afterEach(() => { server?.closeAllConnections(); server?.close(); });

async function serve(answer: Parameters<typeof createServer>[1] & object): Promise<{ url: string; connections: () => number }> {
  let connections = 0;
  const started = createServer(answer);
  server = started;
  started.on('connection', () => { connections++; });
  await new Promise<void>((resolve) => { started.listen(0, '127.0.0.1', resolve); });
  return { url: `http://127.0.0.1:${(started.address() as AddressInfo).port}/path`, connections: () => connections };
}

describe('the traffic generator', () => {
  it('sends what was asked for, keeps connections and stops by itself', async () => {
    const seen: string[] = [];
    const { url, connections } = await serve((request, response) => { seen.push(`${request.method} ${request.url} ${request.headers['x-user']}`); response.statusCode = seen.length % 10 === 0 ? 503 : 200; response.end('ok'); });
    const load = startLoad({ url, rps: 100, seconds: 1, method: 'POST', headers: { 'x-user': 'jason' } }, () => undefined);
    await load.ended;
    expect(load.status()).toMatchObject({ running: false, rps: 100, url, sent: 100, ok: 90, failed: 10, byStatus: { 200: 90, 503: 10 } });
    expect(new Set(seen)).toEqual(new Set(['POST /path jason']));
    expect(connections()).toBeLessThan(50);
    expect(load.status().p99).toBeGreaterThanOrEqual(load.status().p50);
  });

  it('goes on sending while answers are slow', async () => {
    const { url } = await serve((_, response) => { setTimeout(() => { response.end(); }, 400); });
    const load = startLoad({ url, rps: 50, seconds: 1 }, () => undefined);
    await load.ended;
    expect(load.status()).toMatchObject({ sent: 50, ok: 50 });
    expect(load.status().p50).toBeGreaterThan(350);
  });

  it('counts what is refused and reports while it runs', async () => {
    const { url } = await serve(() => undefined);
    server?.close();
    await new Promise<void>((resolve) => { server?.once('close', resolve); });
    const reports: number[] = [];
    const load = startLoad({ url, rps: 20, seconds: 1 }, ({ failed }) => { reports.push(failed); });
    await load.ended;
    expect(load.status()).toMatchObject({ failed: 20, ok: 0, byStatus: { ECONNREFUSED: 20 } });
    expect(reports.length).toBeGreaterThan(2);
  });

  it('can be stopped with requests on their way', async () => {
    const { url } = await serve(() => undefined);
    const load = startLoad({ url, rps: 100 }, () => undefined);
    await expect.poll(() => load.status().sent).toBeGreaterThan(5);
    load.stop();
    await load.ended;
    const { sent } = load.status();
    expect(load.status().running).toBe(false);
    load.stop();
    expect(load.status().sent).toBe(sent);
  });
});

describe('latencies', () => {
  it('are right to 5 %', () => {
    fc.assert(fc.property(fc.array(fc.double({ min: 0.1, max: 20_000, noNaN: true }), { minLength: 1, maxLength: 300 }), fc.double({ min: 0.01, max: 1, noNaN: true }), (values, share) => {
      const measured = latencies();
      for (const value of values) measured.add(value);
      const exact = [...values].sort((a, b) => a - b)[Math.ceil(share * values.length) - 1] ?? 0;
      expect(measured.percentile(share)).toBeGreaterThanOrEqual(exact * 0.99 - 0.02);
      expect(measured.percentile(share)).toBeLessThanOrEqual(exact * 1.06 + 0.02);
    }));
  });
  it('of nothing are 0', () => { expect(latencies().percentile(0.5)).toBe(0); });
});
