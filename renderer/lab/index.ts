/** The renderer's mirror of the lab and the window's own state. Views import from here. */
export { LabProvider, useApi, useLab, useLabName, useMirror, useOnStream, useSeries, useTraffic, useTrafficVersion, useUi, useUiActions } from './context.tsx';
export type { ConnectionState, LabState } from './state.ts';
export type { FileTarget, Selection, UiActions, UiState, ViewId } from './ui-state.ts';
export type { Hop } from './hops.ts';
export type { Series } from './history.ts';
