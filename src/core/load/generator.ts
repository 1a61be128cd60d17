import { Agent, request as httpRequest, type ClientRequest } from 'node:http';
import { Agent as TlsAgent, request as httpsRequest } from 'node:https';
import type { LoadRequest, LoadStatus } from '../../contract/index.ts';
import { latencies } from './latencies.ts';

/** What to send. */
export interface LoadPlan {
  /** Absolute, http or https. */
  readonly url: string;
  /** Requests a second. */
  readonly rps: number;
  /** Until it stops by itself; without, it goes on. */
  readonly seconds?: number | undefined;
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** A traffic generator at work. */
export interface LoadGenerator {
  status(): LoadStatus;
  /** Sends nothing more; requests that are on their way are given up. */
  stop(): void;
  /** Settles when it has stopped and nothing is on its way. */
  readonly ended: Promise<void>;
}

/** Milliseconds: between two looks at the schedule, between two reports, until an answer counts as failed. */
const pace = { tick: 5, report: 250, timeout: 30_000 };
/** Requests on their way at once; more would only say that the lab is too slow, which the schedule shows as failures anyway. */
const most = 2000;
/** After a pause of the machine this many milliseconds of requests are made up for; the rest never happened. */
const longestDebt = 1000;

/**
 * Sends requests on an open-loop schedule: they leave when they are due, however slow the answers are, so that a slow lab shows as latency and
 * not as fewer requests. Connections are kept. Latency counts from when a request was due. Stops by itself.
 */
export function startLoad(plan: LoadPlan, changed: (status: LoadStatus) => void, now: () => number = () => performance.now()): LoadGenerator {
  const send = sender(plan);
  const began = now();
  const measured = latencies();
  const byStatus = new Map<string, number>();
  const open = new Set<ClientRequest>();
  let counts = { sent: 0, ok: 0, failed: 0 };
  let due = 0;
  let skipped = 0;
  let running = true;
  let settle: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => { settle = resolve; });

  const status = (): LoadStatus => ({ running, rps: plan.rps, url: plan.url, ...counts, p50: measured.percentile(0.5), p99: measured.percentile(0.99), byStatus: Object.fromEntries(byStatus) });
  const finish = (code: string, good: boolean, scheduled: number): void => {
    byStatus.set(code, (byStatus.get(code) ?? 0) + 1);
    measured.add(now() - scheduled);
    counts = good ? { ...counts, ok: counts.ok + 1 } : { ...counts, failed: counts.failed + 1 };
  };
  const fire = (scheduled: number): void => {
    counts = { ...counts, sent: counts.sent + 1 };
    if (open.size >= most) { finish('overload', false, scheduled); return; }
    const request = send((code, good) => {
      open.delete(request);
      if (running || code !== 'ECONNRESET') finish(code, good, scheduled);
      if (!running && open.size === 0) settle();
    });
    open.add(request);
  };
  const tick = (): void => {
    const elapsed = now() - began - skipped;
    const end = plan.seconds === undefined ? Infinity : Math.round(plan.seconds * plan.rps);
    const interval = 1000 / plan.rps;
    const debt = elapsed - due * interval;
    if (debt > longestDebt + interval) { skipped += debt - longestDebt; return; }
    while (due < end && due * interval <= elapsed) fire(began + skipped + due++ * interval);
    if (due >= end && elapsed >= (plan.seconds ?? 0) * 1000) halt();
  };
  const ticker = setInterval(tick, pace.tick);
  const reporter = setInterval(() => { changed(status()); }, pace.report);
  const halt = (): void => {
    if (!running) return;
    running = false;
    clearInterval(ticker);
    clearInterval(reporter);
    if (open.size === 0) settle();
    void ended.then(() => { send.close(); changed(status()); });
  };
  tick();
  return {
    status, ended,
    stop() { halt(); for (const request of open) request.destroy(); },
  };
}

/** Traffic as the lab's API asks for it, at a URL that it has settled. */
export function generateLoad(url: string, { rps, seconds, method, headers }: LoadRequest, changed: (status: LoadStatus) => void): LoadGenerator {
  return startLoad({ url, rps, seconds, method, headers }, changed);
}

type Done = (code: string, good: boolean) => void;

/** Sends one request; calls back once with the status or the error's code. */
function sender({ url, method = 'GET', headers = {} }: LoadPlan): ((done: Done) => ClientRequest) & { close(): void } {
  const target = new URL(url);
  const secure = target.protocol === 'https:';
  const options = { keepAlive: true, maxSockets: most, scheduling: 'lifo' } as const;
  // The ingress shows a certificate of the lab's own.
  const agent = secure ? new TlsAgent({ ...options, rejectUnauthorized: false }) : new Agent(options);
  const send = (done: Done): ClientRequest => {
    let called = false;
    const once: Done = (code, good) => { if (!called) { called = true; done(code, good); } };
    const request = (secure ? httpsRequest : httpRequest)(target, { method, headers, agent, timeout: pace.timeout }, (response) => {
      const code = response.statusCode ?? 0;
      response.resume();
      response.once('end', () => { once(String(code), code < 500 && code > 0); });
      response.once('error', (error: NodeJS.ErrnoException) => { once(error.code ?? 'error', false); });
      response.once('close', () => { once('cut', false); });
    });
    request.once('timeout', () => { request.destroy(Object.assign(new Error('No answer in time.'), { code: 'timeout' })); });
    request.once('error', (error: NodeJS.ErrnoException) => { once(error.code ?? 'error', false); });
    request.once('close', () => { once('ECONNRESET', false); });
    request.end();
    return request;
  };
  return Object.assign(send, { close: () => { agent.destroy(); } });
}
