import { Agent, request as httpRequest } from 'node:http';

/** A steady stream of requests beside a test, and what came of it. */
export interface Steady {
  readonly sent: number;
  readonly failed: readonly string[];
  /** Stops sending and waits for what is under way. */
  stop(): Promise<void>;
}

/** Sends GETs at a fixed rate, whether answers come or not (open loop), over kept-alive connections. Stops by itself after `seconds`. */
export function steady(url: URL, rps: number, seconds: number): Steady {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const state = { sent: 0, failed: [] as string[], pending: 0 };
  const started = performance.now();
  let due = 0;
  let done: (() => void) | undefined;
  const settle = (problem?: string): void => {
    state.pending -= 1;
    if (problem !== undefined) state.failed.push(problem);
    if (state.pending === 0) done?.();
  };
  const send = (): void => {
    state.sent += 1;
    state.pending += 1;
    const at = ((performance.now() - started) / 1000).toFixed(2);
    const request = httpRequest(url, { agent, timeout: 10_000 }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => { if (response.statusCode !== 200 && body.length < 500) body += chunk.toString(); });
      response.on('end', () => { settle(response.statusCode === 200 ? undefined : `${at} s: ${response.statusCode} after ${Math.round(performance.now() - started - Number(at) * 1000)} ms ${body.slice(0, 200)}`); });
      response.on('error', (error) => { settle(`${at} s: ${error.message}`); });
    });
    request.on('timeout', () => { request.destroy(new Error('no answer within 10 s')); });
    request.on('error', (error) => { settle(`${at} s: ${error.message}`); });
    request.end();
  };
  const timer = setInterval(() => {
    const elapsed = (performance.now() - started) / 1000;
    if (elapsed > seconds) { clearInterval(timer); return; }
    for (; due < elapsed * rps; due += 1) send();
  }, 5);
  return {
    get sent() { return state.sent; },
    get failed() { return state.failed; },
    async stop() {
      clearInterval(timer);
      if (state.pending > 0) await new Promise<void>((resolve) => { done = resolve; });
      agent.destroy();
    },
  };
}
