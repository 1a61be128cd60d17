import { Button, Modal } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { toLabError, type ApplyResult, type LabError } from '../../../src/contract/index.ts';
import type { SourceFile } from '../../../src/manifest/index.ts';
import { useApi, useUiActions } from '../../lab/index.ts';
import { Diff, FailedState, FileLink, LoadingRows, useAsync } from '../../ui/index.ts';
import { consentItems, type AskedConsent } from './consent.ts';
import { ConsentList } from './consent-list.tsx';
import styles from './manifests.module.css';

interface Props {
  readonly lab: string;
  readonly files: readonly SourceFile[];
  readonly mode: 'apply' | 'delete';
  readonly close: () => void;
  readonly done: (paths: readonly string[]) => void;
}

/** The difference before it is made, what would be wrong with it, and what it needs a person's consent to. */
export function ApplyDialog({ lab, files, mode, close, done }: Props): ReactNode {
  const api = useApi();
  const { announce } = useUiActions();
  const preview = useAsync(() => previewOf(api, lab, files, mode), JSON.stringify(files));
  const [agreed, setAgreed] = useState<readonly string[]>([]);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<LabError>();
  const asked = preview.value?.consent ?? [];
  const errors = (failure?.diagnostics ?? preview.value?.result.diagnostics ?? []).filter(each => each.level === 'error');
  const run = (): void => {
    setBusy(true);
    setFailure(undefined);
    const work = mode === 'delete' ? api.delete({ lab, files }) : api.apply({ lab, files, consent: agreed });
    work.then(result => {
      if (!result.applied) { setFailure({ code: 'manifest-invalid', message: 'The lab did not take it; everything is as before.', diagnostics: result.diagnostics }); return; }
      announce(mode === 'delete' ? 'Deleted' : 'Applied');
      done(files.map(file => file.path));
    }, (cause: unknown) => setFailure(toLabError(cause))).finally(() => setBusy(false));
  };
  const missing = asked.filter(item => !agreed.includes(item.item));
  return (
    <Modal opened onClose={close} size="lg" title={mode === 'delete' ? `Delete ${files[0]?.path ?? ''}?` : 'Apply these changes?'}>
      <div className={styles.dialog}>
        {preview.state === 'failed' ? <FailedState error={preview.error} retry={preview.again} /> : preview.value === undefined ? <LoadingRows rows={4} label="Working out the difference" /> : <Diff changes={preview.value.result.changes} />}
        {mode === 'delete' && <p className={styles.note}>What the file describes is removed from the lab too.</p>}
        {preview.value?.result.changes.length === 0 && <p className={styles.note}>The lab says this already.</p>}
        {errors.map((each, index) => <p key={index} className={styles.problem} role="alert"><FileLink file={each.file} line={each.line} /> {each.message}</p>)}
        {failure !== undefined && <p className={styles.problem} role="alert">{failure.message} {failure.help}</p>}
        {asked.length > 0 && <><p className={styles.note}>This reaches beyond the lab’s own containers. Allow only what you know and trust.</p><ConsentList items={asked} agreed={agreed} onChange={setAgreed} /></>}
      </div>
      <footer className={styles.buttons}>
        <Button variant="default" onClick={close}>Cancel</Button>
        <Button {...(mode === 'delete' ? { color: 'red' } : {})} loading={busy} disabled={preview.value === undefined || missing.length > 0 || (mode === 'apply' && errors.length > 0 && failure === undefined)} onClick={run} data-autofocus>{mode === 'delete' ? 'Delete' : 'Apply'}</Button>
      </footer>
    </Modal>
  );
}

async function previewOf(api: ReturnType<typeof useApi>, lab: string, files: readonly SourceFile[], mode: Props['mode']): Promise<{ readonly result: ApplyResult; readonly consent: readonly AskedConsent[] }> {
  if (mode === 'delete') return { result: { applied: false, version: '', diagnostics: [], changes: files.map(({ path, text }) => ({ path, before: text, after: '' })) }, consent: [] };
  return { result: await api.apply({ lab, files, dryRun: true }), consent: await consentItems(files) };
}
