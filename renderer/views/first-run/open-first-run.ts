import { useSyncExternalStore } from 'react';

const key = 'weft-start-lab';
const changed = 'weft-start-lab-changed';

/** True while the person chooses another lab to start although there are some. */
export function useFirstRunOpen(): boolean {
  return useSyncExternalStore(subscribe, () => sessionStorage.getItem(key) !== null);
}

/** Opens the choice of labs in the whole window, or closes it. */
export function openFirstRun(open: boolean): void {
  if (open) sessionStorage.setItem(key, 'open');
  else sessionStorage.removeItem(key);
  window.dispatchEvent(new Event(changed));
}

function subscribe(listener: () => void): () => void {
  window.addEventListener(changed, listener);
  return () => window.removeEventListener(changed, listener);
}
