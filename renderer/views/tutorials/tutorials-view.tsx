import { Button } from '@mantine/core';
import { IconCircleCheck, IconClock, IconSchool } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { Tutorial, TutorialState } from '../../../src/contract/index.ts';
import { useApi, useLab, useLabName } from '../../lab/index.ts';
import { EmptyState, FailedState, format, LoadingRows, useAsync } from '../../ui/index.ts';
import styles from './tutorials.module.css';
import { useBeginTutorial } from './use-tutorial.ts';

/** All tutorials, with how far one has come in each. */
export function TutorialsView(): ReactNode {
  const api = useApi();
  const asked = useAsync(() => api.tutorials({}), 'tutorials');
  if (asked.value === undefined) return asked.state === 'failed' ? <FailedState error={asked.error} retry={asked.again} /> : <LoadingRows rows={6} label="Loading tutorials" />;
  if (asked.value.length === 0) return <EmptyState icon={IconSchool} title="There are no tutorials" />;
  return (
    <div className={styles.page}>
      <div className={styles.column}>
        <header><h1>Learn by doing</h1><p>Each step is checked against the lab’s own config and traffic: it is done when the mesh does it.</p></header>
        <ol className={styles.list}>{asked.value.map(tutorial => <Entry key={tutorial.id} tutorial={tutorial} />)}</ol>
      </div>
    </div>
  );
}

function Entry({ tutorial }: { readonly tutorial: Tutorial }): ReactNode {
  const api = useApi();
  const lab = useLabName();
  const known = useLab(state => state.tutorials[tutorial.id]);
  const asked = useAsync<TutorialState | undefined>(() => (lab === '' ? Promise.resolve(undefined) : api.tutorial({ lab, tutorial: tutorial.id })), `${lab}\n${tutorial.id}`);
  const state = known ?? asked.value;
  const done = state?.done.length ?? 0;
  const all = tutorial.steps.length;
  const begin = useBeginTutorial();
  const finished = state !== undefined && state.current === undefined && done > 0;
  return (
    <li className={styles.entry}>
      <div className={styles.about}>
        <h2>{tutorial.title}{finished && <IconCircleCheck size={16} aria-label="Finished" />}</h2>
        <p>{tutorial.summary}</p>
        <p className={styles.meta}><IconClock size={13} aria-hidden /> {tutorial.minutes} min · {format.count(all, 'step')} · on {tutorial.sample}</p>
        {done > 0 && !finished && <progress value={done} max={all} aria-label={`${done} of ${all} steps done`} />}
        {begin.error !== undefined && <p role="alert" className={styles.problem}>{begin.error.message} {begin.error.help}</p>}
      </div>
      <div className={styles.go}>
        <Button variant={done > 0 && !finished ? 'filled' : 'default'} loading={begin.busy} onClick={() => begin.run(tutorial, finished)}>{finished ? 'Again' : done > 0 ? 'Go on' : 'Begin'}</Button>
        {done > 0 && !finished && <Button variant="subtle" color="gray" onClick={() => begin.run(tutorial, true)}>From the start</Button>}
      </div>
    </li>
  );
}
