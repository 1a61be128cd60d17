import { useCallback, useEffect, useRef, useState } from 'react';
import { toLabError, type ApplyResult, type FileChange, type LabApi, type LabError, type SwitchAction } from '../../src/contract/index.ts';
import { useApi, useLab, useLabName, useUiActions } from '../lab/index.ts';

/** A switch that was thrown: what it wrote, and how far it has come. */
export interface Thrown {
  readonly changes: readonly FileChange[];
  /** The lab's version before; a newer one holds the change. */
  readonly before: string;
  readonly version: string;
}

/** A switch between what is asked for and what is in force. */
export interface SwitchState {
  /** What it would write; `undefined` while it is being worked out, or when nothing is asked for. */
  readonly preview: ApplyResult | undefined;
  readonly error: LabError | undefined;
  readonly busy: boolean;
  readonly thrown: Thrown | undefined;
  apply(): void;
  undo(): void;
  /** Puts the outcome of the last throw away. */
  dismiss(): void;
}

const pause = 180;

/** Previews an action (`undefined`: nothing is asked for), applies it, takes it back. */
export function useSwitch(action: SwitchAction | undefined, onApplied: () => void): SwitchState {
  const lab = useLabName();
  const api = useApi();
  const { announce } = useUiActions();
  const version = useLab(state => state.status?.version ?? '');
  const [preview, setPreview] = useState<ApplyResult>();
  const [error, setError] = useState<LabError>();
  const [busy, setBusy] = useState(false);
  const [thrown, setThrown] = useState<Thrown>();
  const latest = useRef({ action, onApplied, version });
  useEffect(() => { latest.current = { action, onApplied, version }; });
  const key = JSON.stringify(action);
  useEffect(() => {
    setPreview(undefined);
    setError(undefined);
    const { action: wanted } = latest.current;
    if (wanted === undefined) return undefined;
    let current = true;
    const timer = setTimeout(() => {
      api.switch({ lab, action: wanted, dryRun: true }).then(
        result => { if (current) setPreview(result); },
        (cause: unknown) => { if (current) setError(toLabError(cause)); },
      );
    }, pause);
    return () => { current = false; clearTimeout(timer); };
  }, [api, lab, key]);

  const run = useCallback((work: () => Promise<Thrown | undefined>, said: string): void => {
    setBusy(true);
    setError(undefined);
    work().then(
      result => { setThrown(result); latest.current.onApplied(); announce(said); },
      (cause: unknown) => setError(toLabError(cause)),
    ).finally(() => setBusy(false));
  }, [announce]);

  const apply = useCallback(() => run(async () => {
    const { action: wanted, version: before } = latest.current;
    if (wanted === undefined) return undefined;
    const result = await api.switch({ lab, action: wanted });
    return { changes: result.changes, before, version: result.version };
  }, 'Applied'), [api, lab, run]);
  const undo = useCallback(() => { if (thrown !== undefined) run(async () => { await takeBack(api, lab, thrown.changes); return undefined; }, 'Taken back'); }, [api, lab, run, thrown]);
  const dismiss = useCallback(() => { setThrown(undefined); setError(undefined); }, []);
  return { preview, error, busy, thrown, apply, undo, dismiss };
}

/** Writes the files as they were; files that were new are removed. */
async function takeBack(api: LabApi, lab: string, changes: readonly FileChange[]): Promise<void> {
  const made = changes.filter(change => change.before === '').map(({ path, after }) => ({ path, text: after }));
  const edited = changes.filter(change => change.before !== '').map(({ path, before }) => ({ path, text: before }));
  if (edited.length > 0) await api.apply({ lab, files: edited });
  if (made.length > 0) await api.delete({ lab, files: made });
}
