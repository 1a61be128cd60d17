import { createStore, type StoreApi } from 'zustand/vanilla';

/** What the inspector shows. `request` is a record's key, `mesh` the whole (asked for where there is no room to show it always). */
export type Selection =
  | { readonly kind: 'node'; readonly id: string }
  | { readonly kind: 'edge'; readonly id: string }
  | { readonly kind: 'request'; readonly key: string }
  | { readonly kind: 'mesh' };

/** A place in a manifest that a view asked to see; `at` makes each ask a new value. */
export interface FileTarget {
  readonly path: string;
  readonly line: number;
  readonly at: number;
}

export type ViewId = 'stage' | 'traffic' | 'manifests' | 'explain' | 'pods' | 'tutorials' | 'settings';

/** Where the person is in the window: nothing of the lab itself. */
export interface UiState {
  readonly view: ViewId;
  readonly selection: Selection | undefined;
  readonly fileTarget: FileTarget | undefined;
  readonly podTarget: string | undefined;
  readonly filter: string;
  readonly outcomes: readonly string[];
  readonly paused: boolean;
  readonly help: boolean;
  readonly palette: boolean;
  readonly announcement: string;
}

/** Everything that moves a person through the window. */
export interface UiActions {
  show(view: ViewId): void;
  select(selection: Selection | undefined): void;
  /** Opens the manifests view at a line (1 is the first). */
  openFile(path: string, line: number): void;
  /** Opens the pods view at a pod, `namespace/name`. */
  openPod(pod: string): void;
  setFilter(filter: string): void;
  toggleOutcome(outcome: string): void;
  togglePaused(): void;
  setHelp(open: boolean): void;
  setPalette(open: boolean): void;
  /** Says something to people who listen to a screen reader. */
  announce(text: string): void;
  /** One step back: closes what is open, then the selection. False when there was nothing to close. */
  back(): boolean;
}

export interface UiStore {
  readonly store: StoreApi<UiState>;
  readonly actions: UiActions;
}

/** The window's own state, at its start. */
export function createUiStore(now: () => number): UiStore {
  const store = createStore<UiState>(() => ({
    view: 'stage', selection: undefined, fileTarget: undefined, podTarget: undefined,
    filter: '', outcomes: [], paused: false, help: false, palette: false, announcement: '',
  }));
  const set = store.setState;
  const actions: UiActions = {
    show: view => set({ view }),
    select: selection => set({ selection }),
    openFile: (path, line) => set({ view: 'manifests', fileTarget: { path, line, at: now() } }),
    openPod: pod => set({ view: 'pods', podTarget: pod }),
    setFilter: filter => set({ filter }),
    toggleOutcome: outcome => set(({ outcomes }) => ({ outcomes: outcomes.includes(outcome) ? outcomes.filter(each => each !== outcome) : [...outcomes, outcome] })),
    togglePaused: () => set(({ paused }) => ({ paused: !paused })),
    setHelp: help => set({ help }),
    setPalette: palette => set({ palette }),
    announce: announcement => set({ announcement }),
    back: () => {
      const { help, palette, selection } = store.getState();
      if (help) set({ help: false });
      else if (palette) set({ palette: false });
      else if (selection !== undefined) set({ selection: undefined });
      else return false;
      return true;
    },
  };
  return { store, actions };
}
