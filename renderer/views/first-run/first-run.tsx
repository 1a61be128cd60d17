import { Button } from '@mantine/core';
import { IconArrowLeft } from '@tabler/icons-react';
import { useEffect, useState, type ReactNode } from 'react';
import { toLabError, type LabError, type UpRequest } from '../../../src/contract/index.ts';
import { useApi, useLab, useMirror } from '../../lab/index.ts';
import { useAsync } from '../../ui/index.ts';
import { consentItems, type AskedConsent } from '../manifests/consent.ts';
import { readImageChoice } from '../settings/preferences.ts';
import { Checks } from './checks.tsx';
import { Consent } from './consent.tsx';
import styles from './first-run.module.css';
import { openFirstRun, useFirstRunOpen } from './open-first-run.ts';
import { OperationProgress } from './operation-progress.tsx';
import { Samples } from './samples.tsx';
import { freeName, startLab } from './start-lab.ts';

/** From nothing to a running lab: the checks, what to start, and how far it has come. */
export function FirstRun(): ReactNode {
  const api = useApi();
  const preflight = useAsync(() => api.preflight({}), 'preflight');
  const { store } = useMirror();
  const operation = useLab(state => Object.values(state.operations).filter(each => each.title.startsWith('Start ')).at(-1));
  const [dismissed, setDismissed] = useState<string>();
  const [error, setError] = useState<LabError>();
  const [last, setLast] = useState<{ readonly request: UpRequest; readonly path: string | undefined }>();
  const [asking, setAsking] = useState<{ readonly request: UpRequest; readonly path: string | undefined; readonly items: readonly AskedConsent[] }>();
  const start = (name: string, files: UpRequest['files'], path?: string, sample?: string): void => {
    const taken = store.getState().labs?.map(lab => lab.name) ?? [];
    const request = { lab: freeName(name, taken), files, images: readImageChoice(), ...(sample === undefined ? {} : { sample }) };
    consentItems(files).then(
      items => { if (items.length === 0) run(request, path); else setAsking({ request, path, items }); },
      (cause: unknown) => setError(toLabError(cause)),
    );
  };
  const run = (request: UpRequest, path: string | undefined): void => {
    setError(undefined);
    setAsking(undefined);
    setLast({ request, path });
    startLab({ api, store }, request, path).catch((cause: unknown) => setError(toLabError(cause)));
  };
  const choosing = useFirstRunOpen();
  const { selectLab } = useMirror();
  const live = operation?.state === 'done' && last?.request.lab === operation.lab ? operation.lab : undefined;
  useEffect(() => {
    if (live === undefined) return;
    selectLab(live);
    openFirstRun(false);
  }, [live, selectLab]);
  const shown = operation !== undefined && operation.id !== dismissed && operation.state !== 'done' ? operation : undefined;
  return (
    <div className={styles.page}>
      <div className={styles.column}>
        <header className={styles.welcome}>
          {choosing && <Button variant="subtle" color="gray" leftSection={<IconArrowLeft size={14} aria-hidden />} onClick={() => openFirstRun(false)}>Back to the lab</Button>}
          <h1>A service mesh, on this machine</h1>
          <p>Choose a lab. Weft starts it on your Docker engine and draws every request as it happens.</p>
        </header>
        {shown !== undefined
          ? <OperationProgress operation={shown} cancel={() => void api.cancel({ id: shown.id })} back={() => setDismissed(shown.id)} {...(last === undefined ? {} : { again: () => run(last.request, last.path) })} />
          : asking !== undefined
          ? <Consent lab={asking.request.lab} items={asking.items} back={() => setAsking(undefined)} start={consent => run({ ...asking.request, consent }, asking.path)} />
          : inOrder(preflight.value?.ok === false, <Samples key="samples" ready={preflight.value?.ok === true} start={start} error={error} />, <Checks key="checks" preflight={preflight} />)}
      </div>
    </div>
  );
}

/** What keeps a lab from starting comes before what could be started; otherwise the checks are a remark at the foot. */
function inOrder(blocked: boolean, samples: ReactNode, checks: ReactNode): readonly ReactNode[] {
  return blocked ? [checks, samples] : [samples, checks];
}
