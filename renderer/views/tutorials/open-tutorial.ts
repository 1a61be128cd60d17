import { useSyncExternalStore } from 'react';

const key = 'weft-tutorial';
const changed = 'weft-tutorial-changed';

/** The tutorial whose panel stands beside the views; kept for this window, so that a reload does not close it. */
export function useOpenTutorial(): string | undefined {
  return useSyncExternalStore(subscribe, () => sessionStorage.getItem(key) ?? undefined);
}

/** Opens a tutorial's panel, or closes it. */
export function openTutorial(id: string | undefined): void {
  if (id === undefined) sessionStorage.removeItem(key);
  else sessionStorage.setItem(key, id);
  window.dispatchEvent(new Event(changed));
}

function subscribe(listener: () => void): () => void {
  window.addEventListener(changed, listener);
  return () => window.removeEventListener(changed, listener);
}
