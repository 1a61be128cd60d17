import { LabFailure } from '../../contract/index.ts';
import type { Engine, LongCall } from '../docker/index.ts';

/** What has been learnt about registries since the program started: one that did not answer is not asked for a while. */
export interface Registry {
  /** Why the registry of this image is known not to answer. */
  silent(reference: string): string | undefined;
  noteSilent(reference: string, why: string): void;
}

/** Remembers silent registries for `forget` milliseconds. */
export function rememberRegistries(now: () => number = Date.now, forget = 300_000): Registry {
  const known = new Map<string, { readonly why: string; readonly until: number }>();
  return {
    silent: (reference) => {
      const entry = known.get(registryOf(reference));
      return entry !== undefined && entry.until > now() ? entry.why : undefined;
    },
    noteSilent: (reference, why) => { known.set(registryOf(reference), { why, until: now() + forget }); },
  };
}

/** The registry's host of an image reference, by Docker's rule: the first part, when it looks like a host. */
export function registryOf(reference: string): string {
  const first = reference.split('/')[0] ?? '';
  return reference.includes('/') && (/[.:]/.test(first) || first === 'localhost') ? first : 'docker.io';
}

/** Milliseconds until the first sign of life, and between two. */
const patience = { first: 5000, next: 60_000 };

/** Pulls an image; a registry that says nothing for five seconds counts as unreachable, and is remembered as such. */
export async function pullWithin(engine: Engine, reference: string, registry: Registry, { signal, onProgress }: LongCall): Promise<void> {
  const silent = registry.silent(reference);
  if (silent !== undefined) throw new LabFailure('image-unavailable', `Image ${reference} was not pulled: ${silent}`);
  const watchdog = new AbortController();
  const silence = (): void => { watchdog.abort(); };
  let timer = setTimeout(silence, patience.first);
  try {
    await engine.pullImage(reference, {
      signal: signal === undefined ? watchdog.signal : AbortSignal.any([signal, watchdog.signal]),
      onProgress: (text) => { clearTimeout(timer); timer = setTimeout(silence, patience.next); onProgress?.(text); },
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    const why = watchdog.signal.aborted ? `${registryOf(reference)} did not answer in time.` : error instanceof Error ? error.message : String(error);
    if (watchdog.signal.aborted || unreachable(why)) registry.noteSilent(reference, why);
    if (watchdog.signal.aborted) throw new LabFailure('image-unavailable', `Image ${reference} was not pulled: ${why}`, { cause: error });
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** True for failures of the way there, as opposed to an image that does not exist. */
function unreachable(why: string): boolean {
  return /no such host|server misbehaving|TLS handshake|i\/o timeout|connection refused|network is unreachable|deadline exceeded|Client\.Timeout/i.test(why);
}
