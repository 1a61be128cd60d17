/** Tells listeners that something may have changed, once for many changes that come together. */
export interface Signal {
  fire(): void;
  listen(listener: () => void): () => void;
  stop(): void;
}

/** `quiet` milliseconds after the first `fire`, listeners are called once. */
export function createSignal(quiet: number): Signal {
  const listeners = new Set<() => void>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  return {
    fire: () => {
      if (stopped || listeners.size === 0) return;
      timer ??= setTimeout(() => {
        timer = undefined;
        for (const listener of listeners) listener();
      }, quiet);
    },
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      listeners.clear();
    },
  };
}
