import { Button } from '@mantine/core';
import { IconArrowBackUp, IconCheck, IconX } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useLab } from '../lab/index.ts';
import { Diff, LoadingRows } from '../ui/index.ts';
import styles from './switch-frame.module.css';
import type { SwitchState, Thrown } from './use-switch.ts';

/** What a switch would write (before), or what it wrote and who has it (after). */
export function SwitchChange({ state, asked, onDiscard }: { readonly state: SwitchState; readonly asked: boolean; readonly onDiscard: () => void }): ReactNode {
  if (state.error !== undefined) return <Failed state={state} onDiscard={onDiscard} />;
  if (asked) return <Preview state={state} onDiscard={onDiscard} />;
  return state.thrown === undefined ? null : <Applied thrown={state.thrown} state={state} />;
}

function Preview({ state, onDiscard }: { readonly state: SwitchState; readonly onDiscard: () => void }): ReactNode {
  const { preview, busy, apply } = state;
  const errors = preview?.diagnostics.filter(each => each.level === 'error') ?? [];
  return (
    <div className={styles.change}>
      {preview === undefined ? <LoadingRows rows={3} label="Working out the change" /> : <Diff changes={preview.changes} />}
      {preview?.changes.length === 0 && <p className={styles.note}>The manifests say this already.</p>}
      {errors.map((each, index) => <p key={index} className={styles.error} role="alert">{each.message}</p>)}
      <div className={styles.buttons}>
        <Button onClick={apply} loading={busy} disabled={preview === undefined || preview.changes.length === 0} data-autofocus>Apply</Button>
        <Button variant="default" onClick={onDiscard}>Discard</Button>
      </div>
    </div>
  );
}

function Applied({ thrown, state }: { readonly thrown: Thrown; readonly state: SwitchState }): ReactNode {
  const { have, all, rejected } = useAcknowledged(thrown);
  const done = have === all;
  return (
    <div className={styles.change} data-done={done || undefined}>
      <Diff changes={thrown.changes} />
      <div className={styles.progress} role="status">
        {done ? <IconCheck size={14} aria-hidden className={styles.ok} /> : <span className={styles.bar}><i style={{ width: `${all === 0 ? 0 : (have / all) * 100}%` }} /></span>}
        <span>{done ? `all ${all} proxies have it` : `${have} of ${all} proxies have it`}</span>
        <span className={styles.space} />
        <Button variant="default" size="compact-xs" loading={state.busy} leftSection={<IconArrowBackUp size={13} aria-hidden />} onClick={state.undo}>Undo</Button>
        <Button variant="subtle" color="gray" size="compact-xs" aria-label="Close" onClick={state.dismiss}><IconX size={13} aria-hidden /></Button>
      </div>
      {rejected !== undefined && <p className={styles.error} role="alert">Rejected by {rejected.proxy}: {rejected.reason}. Its last good config stays in force.</p>}
    </div>
  );
}

/** How many proxies have acknowledged a change: those whose version is the lab's, once the lab's is the change's or newer. */
function useAcknowledged({ before, version }: Thrown): { readonly have: number; readonly all: number; readonly rejected: { readonly proxy: string; readonly reason: string } | undefined } {
  const current = useLab(state => state.status?.version ?? '');
  const proxies = useLab(state => state.status?.proxies ?? []);
  const known = current === version || current !== before;
  const connected = proxies.filter(proxy => proxy.connected);
  const bad = connected.find(proxy => proxy.rejected !== undefined);
  return {
    all: connected.length, have: known ? connected.filter(proxy => proxy.acknowledged === current).length : 0,
    rejected: bad?.rejected === undefined ? undefined : { proxy: bad.proxy, reason: bad.rejected },
  };
}

function Failed({ state, onDiscard }: { readonly state: SwitchState; readonly onDiscard: () => void }): ReactNode {
  return (
    <div className={styles.change} role="alert">
      <p className={styles.error}>{state.error?.message}</p>
      {state.error?.help !== undefined && <p className={styles.note}>{state.error.help}</p>}
      <div className={styles.buttons}><Button variant="default" onClick={() => { state.dismiss(); onDiscard(); }}>Close</Button></div>
    </div>
  );
}
