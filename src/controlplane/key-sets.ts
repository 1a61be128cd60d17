import type { WantedKeys } from '../compile/index.ts';

/** The public keys of issuers of tokens, fetched and kept fresh. */
export interface KeySets {
  /** Key sets as JSON, by the URL that they come from; the last good one of each. */
  readonly known: ReadonlyMap<string, string>;
  /** Fetches what is new, and forgets what is no longer wanted. */
  want(sources: ReadonlyMap<string, WantedKeys>): void;
  /** Stops fetching; waits for nothing. */
  stop(): void;
}

/** Dependencies of {@link createKeySets}. */
export interface KeySetsOptions {
  /** The platform's `fetch`. */
  readonly fetch: typeof globalThis.fetch;
  /** Keys have changed: proxies need new config. */
  changed(): void;
  /** What cannot be fetched now, and why; empty when all is well. */
  failing(reasons: readonly string[]): void;
  /** Milliseconds between fetches, and before a new try when one failed. */
  readonly intervals?: { readonly refresh: number; readonly retry: number };
}

const defaults = { refresh: 5 * 60_000, retry: 10_000 } as const;
const largest = 1024 * 1024;

/** Starts with no keys. Source: istio.io, RequestAuthentication, "jwksUri". */
export function createKeySets({ fetch, changed, failing, intervals = defaults }: KeySetsOptions): KeySets {
  const known = new Map<string, string>();
  const running = new Map<string, { readonly source: WantedKeys; readonly abort: AbortController; timer?: NodeJS.Timeout }>();
  const failures = new Map<string, string>();

  function tell(): void {
    failing([...failures].map(([url, why]) => `${url}: ${why}${known.has(url) ? ' (the last keys stay in force)' : ''}`));
  }

  async function run(url: string): Promise<void> {
    const entry = running.get(url);
    if (entry === undefined) return;
    let wait: number = intervals.refresh;
    try {
      const keys = await fetchKeys(fetch, entry.source, entry.abort.signal);
      if (running.get(url) !== entry) return;
      const before = known.get(url);
      known.set(url, keys);
      if (failures.delete(url)) tell();
      if (before !== keys) changed();
    } catch (error) {
      if (running.get(url) !== entry) return;
      failures.set(url, reasonOf(error));
      wait = intervals.retry;
      tell();
    }
    entry.timer = setTimeout(() => void run(url), wait);
    entry.timer.unref();
  }

  function end(url: string): void {
    const entry = running.get(url);
    running.delete(url);
    clearTimeout(entry?.timer);
    entry?.abort.abort();
  }

  return {
    known,
    want: (sources) => {
      for (const [url, { source }] of running) {
        const wanted = sources.get(url);
        if (wanted?.kind === source.kind && wanted.timeout === source.timeout) continue;
        end(url);
        if (wanted !== undefined) continue;
        known.delete(url);
        if (failures.delete(url)) tell();
      }
      for (const [url, source] of sources) {
        if (running.has(url)) continue;
        running.set(url, { source, abort: new AbortController() });
        void run(url);
      }
    },
    stop: () => { for (const url of [...running.keys()]) end(url); },
  };
}

/** The key set as JSON. Rejects on anything that is not one. */
async function fetchKeys(fetch: typeof globalThis.fetch, { kind, url, timeout }: WantedKeys, stopped: AbortSignal): Promise<string> {
  const signal = AbortSignal.any([stopped, AbortSignal.timeout(timeout)]);
  if (kind === 'jwks') return keySetOf(await download(fetch, url, signal));
  const { jwks_uri: address } = JSON.parse(await download(fetch, url, signal)) as { readonly jwks_uri?: unknown };
  if (typeof address !== 'string' || !/^https?:\/\//i.test(address)) throw new Error('the issuer’s description names no jwks_uri');
  return keySetOf(await download(fetch, address, signal));
}

async function download(fetch: typeof globalThis.fetch, url: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, { signal, headers: { accept: 'application/json' } });
  if (!response.ok) throw new Error(`it answers ${response.status}`);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > largest) throw new Error('it is larger than a megabyte');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function keySetOf(text: string): string {
  const { keys } = JSON.parse(text) as { readonly keys?: unknown };
  if (!Array.isArray(keys)) throw new Error('it is not a JSON Web Key Set');
  return JSON.stringify({ keys: keys as unknown[] });
}

function reasonOf(error: unknown): string {
  if (error instanceof SyntaxError) return 'it is not JSON';
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'it does not answer in time';
  return error.cause instanceof Error ? error.cause.message : error.message;
}
