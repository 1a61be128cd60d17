import { createContext, useContext, useEffect, useRef, useSyncExternalStore, type ReactNode } from 'react';

/** One key of the keyboard map. */
export interface KeyBinding {
  /** `k`, `/`, `Escape`, `ArrowLeft`, `Space`; with `mod+` for Ctrl or Cmd. */
  readonly key: string;
  readonly title: string;
  readonly group: 'Anywhere' | 'Views' | 'Topology' | 'Traffic' | 'Manifests' | 'Pods' | 'Tutorials';
  /** Returns false to let the key pass to who else wants it. */
  readonly run: (event: KeyboardEvent) => boolean | void;
  /** Works while typing in a field too. */
  readonly whileTyping?: boolean;
}

/** The keys that are in force now. */
export interface KeyMap {
  readonly bindings: () => readonly KeyBinding[];
  readonly subscribe: (listener: () => void) => () => void;
  add(bindings: readonly KeyBinding[]): () => void;
  /** Runs the newest binding of the key. True when one took it. */
  press(event: KeyboardEvent): boolean;
}

const KeyContext = createContext<KeyMap | undefined>(undefined);

/** True where a key is text: fields, editors, terminals. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !['checkbox', 'radio', 'button', 'range'].includes(target.type);
  return target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.closest('.cm-editor, .xterm') !== null;
}

/** True where Space and Enter mean the thing that has the focus. */
function isControl(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('button, a[href], summary, [role="button"], [role="slider"], [role="menuitem"], [role="tab"], [role="radio"], input') !== null;
}

/** `mod+k` for Ctrl-K and Cmd-K, `Space`, else the key itself. */
export function keyName(event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey'>): string {
  const key = event.key === ' ' ? 'Space' : event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return event.ctrlKey || event.metaKey ? `mod+${key}` : key;
}

/** An empty keyboard map; later bindings win over earlier ones. */
export function createKeyMap(): KeyMap {
  let all: readonly (readonly KeyBinding[])[] = [];
  let flat: readonly KeyBinding[] = [];
  const listeners = new Set<() => void>();
  const change = (next: readonly (readonly KeyBinding[])[]): void => {
    all = next;
    flat = next.flat();
    for (const listener of listeners) listener();
  };
  return {
    bindings: () => flat,
    subscribe: listener => { listeners.add(listener); return () => { listeners.delete(listener); }; },
    add: bindings => {
      change([...all, bindings]);
      return () => change(all.filter(each => each !== bindings));
    },
    press: event => {
      if (event.defaultPrevented || event.altKey || event.isComposing) return false;
      const name = keyName(event);
      if ((name === 'Space' || name === 'Enter') && isControl(event.target)) return false;
      const typing = isTyping(event.target);
      for (const binding of flat.toReversed()) {
        if (binding.key !== name || (typing && binding.whileTyping !== true)) continue;
        if (binding.run(event) === false) continue;
        event.preventDefault();
        return true;
      }
      return false;
    },
  };
}

/** Listens to the keyboard for everything below it. */
export function KeysProvider({ map, children }: { readonly map: KeyMap; readonly children: ReactNode }): ReactNode {
  useEffect(() => {
    const listener = (event: KeyboardEvent): void => { map.press(event); };
    window.addEventListener('keydown', listener);
    return () => window.removeEventListener('keydown', listener);
  }, [map]);
  return <KeyContext value={map}>{children}</KeyContext>;
}

function useKeyMap(): KeyMap {
  const map = useContext(KeyContext);
  if (map === undefined) throw new Error('There is no KeysProvider above this view.');
  return map;
}

/** Puts keys in force while the component is there; the help (`?`) lists them. The newest `run` is always the one that is called. */
export function useKeys(bindings: readonly KeyBinding[]): void {
  const map = useKeyMap();
  const latest = useRef(bindings);
  useEffect(() => { latest.current = bindings; });
  const shape = bindings.map(({ key, title }) => `${key}\n${title}`).join('\n');
  useEffect(
    () => map.add(latest.current.map((binding, index) => ({ ...binding, run: event => latest.current[index]?.run(event) }))),
    [map, shape],
  );
}

/** Every key that is in force, for the help. */
export function useKeyBindings(): readonly KeyBinding[] {
  const map = useKeyMap();
  return useSyncExternalStore(map.subscribe, map.bindings);
}

/** A key as people of this platform read it. */
export function keyLabel(key: string): string {
  const mac = navigator.platform.startsWith('Mac');
  return key
    .replace('mod+', mac ? '⌘ ' : 'Ctrl ')
    .replace('ArrowLeft', '←').replace('ArrowRight', '→').replace('ArrowUp', '↑').replace('ArrowDown', '↓')
    .replace('Escape', 'Esc').replace(/^[a-z]$|(?<= )[a-z]$/, letter => letter.toUpperCase());
}
