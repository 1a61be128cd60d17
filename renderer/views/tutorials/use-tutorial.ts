import { useCallback, useState } from 'react';
import { toLabError, type LabError, type Tutorial } from '../../../src/contract/index.ts';
import { useApi, useLabName, useMirror, useUiActions } from '../../lab/index.ts';
import { freeName, startLab } from '../first-run/start-lab.ts';
import { readImageChoice } from '../settings/preferences.ts';
import { openTutorial } from './open-tutorial.ts';

/** Begins a tutorial on the lab at hand, or starts the lab that it needs first. */
export function useBeginTutorial(): { readonly run: (tutorial: Tutorial, fresh: boolean) => void; readonly busy: boolean; readonly error: LabError | undefined } {
  const api = useApi();
  const lab = useLabName();
  const { store } = useMirror();
  const { show } = useUiActions();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<LabError>();
  const run = useCallback((tutorial: Tutorial, fresh: boolean): void => {
    setBusy(true);
    setError(undefined);
    const begin = async (): Promise<void> => {
      if (lab === '') {
        const sample = (await api.samples({})).find(each => each.name === tutorial.sample);
        if (sample !== undefined) await startLab({ api, store }, { lab: freeName(sample.name, []), files: sample.files, sample: sample.name, images: readImageChoice() }, undefined);
      } else {
        await api.tutorialStart({ lab, tutorial: tutorial.id, ...(fresh ? { fresh } : {}) });
      }
      openTutorial(tutorial.id);
      show('stage');
    };
    begin().catch((cause: unknown) => setError(toLabError(cause))).finally(() => setBusy(false));
  }, [api, lab, show, store]);
  return { run, busy, error };
}
