import { useSyncExternalStore } from 'react';

/** Where images come from when a lab is started: see `UpRequest.images`. */
export type ImageChoice = 'auto' | 'pull' | 'stand-in';

const key = 'weft-images';
const changed = 'weft-preferences';
const choices: readonly string[] = ['auto', 'pull', 'stand-in'];

/** The person's choice, kept by this browser. */
export function readImageChoice(): ImageChoice {
  const kept = localStorage.getItem(key);
  return kept !== null && choices.includes(kept) ? (kept as ImageChoice) : 'auto';
}

/** The choice and how to change it. */
export function useImageChoice(): readonly [ImageChoice, (choice: ImageChoice) => void] {
  return [useSyncExternalStore(subscribe, readImageChoice), writeImageChoice];
}

function writeImageChoice(choice: ImageChoice): void {
  localStorage.setItem(key, choice);
  window.dispatchEvent(new Event(changed));
}

function subscribe(listener: () => void): () => void {
  window.addEventListener(changed, listener);
  return () => window.removeEventListener(changed, listener);
}
