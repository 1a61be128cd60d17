/** Primitives that all views share. Colours and sizes come from `tokens.css` only. */
export { EmptyState, FailedState, LoadingRows, useSlow } from './states.tsx';
export { Key, Tip } from './tip.tsx';
export { keyLabel, useKeys, type KeyBinding } from './keys.tsx';
export { useAsync, type Asked } from './use-async.ts';
export { OutcomeGlyph, outcomeWords } from './outcome.tsx';
export { CopyButton, FileLink, Fact, Facts, Section } from './parts.tsx';
export { Diff } from './diff.tsx';
export * as format from './format.ts';
