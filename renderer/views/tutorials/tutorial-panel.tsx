import { ActionIcon, Button } from '@mantine/core';
import { IconArrowBackUp, IconBulb, IconCheck, IconCircle, IconConfetti, IconWand, IconX } from '@tabler/icons-react';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { toLabError, type LabError, type Tutorial, type TutorialState, type TutorialStep } from '../../../src/contract/index.ts';
import { useApi, useLab, useLabName, useUi, useUiActions } from '../../lab/index.ts';
import { FailedState, LoadingRows, Tip, useAsync } from '../../ui/index.ts';
import { Markdown } from './markdown.tsx';
import { openTutorial, useOpenTutorial } from './open-tutorial.ts';
import styles from './tutorials.module.css';

/** The tutorial at hand, beside whatever view one looks at. Nothing when there is none. */
export function TutorialPanel(): ReactNode {
  const id = useOpenTutorial();
  const lab = useLabName();
  const running = useLab(state => state.status !== undefined);
  const view = useUi(state => state.view);
  if (id === undefined || lab === '' || !running || view === 'tutorials') return null;
  return <aside className={styles.panel} aria-label="Tutorial"><OpenPanel key={`${lab} ${id}`} id={id} lab={lab} /></aside>;
}

function OpenPanel({ id, lab }: { readonly id: string; readonly lab: string }): ReactNode {
  const api = useApi();
  const asked = useAsync(async () => {
    const [all, state] = await Promise.all([api.tutorials({}), api.tutorialStart({ lab, tutorial: id })]);
    return { tutorial: all.find(each => each.id === id), state };
  }, `${lab}\n${id}`);
  const live = useLab(state => state.tutorials[id]);
  if (asked.state === 'failed') return <><Head title="Tutorial" /><FailedState error={asked.error} retry={asked.again} /></>;
  if (asked.value?.tutorial === undefined) return <><Head title="Tutorial" /><LoadingRows /></>;
  return <Steps tutorial={asked.value.tutorial} state={live ?? asked.value.state} lab={lab} />;
}

function Head({ title, restart }: { readonly title: string; readonly restart?: () => void }): ReactNode {
  return (
    <header className={styles.head}>
      <h2>{title}</h2>
      {restart !== undefined && <Tip label="From the start"><ActionIcon aria-label="From the start" onClick={restart}><IconArrowBackUp size={16} aria-hidden /></ActionIcon></Tip>}
      <Tip label="Close. You can go on later."><ActionIcon aria-label="Close the tutorial" onClick={() => openTutorial(undefined)}><IconX size={16} aria-hidden /></ActionIcon></Tip>
    </header>
  );
}

function Steps({ tutorial, state, lab }: { readonly tutorial: Tutorial; readonly state: TutorialState; readonly lab: string }): ReactNode {
  const api = useApi();
  const [shown, setShown] = useState<string>();
  const [error, setError] = useState<LabError>();
  const current = tutorial.steps.find(step => step.id === state.current);
  // When a step is done the next one is shown, whichever was read before.
  useEffect(() => setShown(undefined), [state.current]);
  const step = tutorial.steps.find(each => each.id === shown) ?? current;
  const restart = (): void => { setError(undefined); api.tutorialStart({ lab, tutorial: tutorial.id, fresh: true }).catch((cause: unknown) => setError(toLabError(cause))); };
  return (
    <>
      <Head title={tutorial.title} restart={restart} />
      <ol className={styles.dots} aria-label="Steps">
        {tutorial.steps.map(each => {
          const done = state.done.includes(each.id);
          return (
            <li key={each.id}>
              <Tip label={`${each.title}${done ? ' (done)' : ''}`}>
                <button type="button" aria-label={each.title} aria-current={each.id === step?.id ? 'step' : undefined} data-done={done || undefined} disabled={!done && each.id !== state.current} onClick={() => setShown(each.id)}>
                  {done ? <IconCheck size={12} aria-hidden /> : <IconCircle size={8} aria-hidden />}
                </button>
              </Tip>
            </li>
          );
        })}
      </ol>
      {error !== undefined && <p role="alert" className={styles.problem}>{error.message}</p>}
      {step === undefined ? <Finished tutorial={tutorial} /> : <Step key={step.id} step={step} state={state} lab={lab} tutorial={tutorial.id} />}
    </>
  );
}

function Finished({ tutorial }: { readonly tutorial: Tutorial }): ReactNode {
  const { show } = useUiActions();
  return (
    <div className={styles.finished} role="status">
      <IconConfetti size={28} stroke={1.4} aria-hidden />
      <p><b>That was “{tutorial.title}”.</b></p>
      <p>The mesh did every step before your eyes. The lab stays as you left it.</p>
      <Button onClick={() => show('tutorials')}>Choose the next one</Button>
    </div>
  );
}

interface StepProps {
  readonly step: TutorialStep;
  readonly state: TutorialState;
  readonly lab: string;
  readonly tutorial: string;
}

function Step({ step, state, lab, tutorial }: StepProps): ReactNode {
  const done = state.done.includes(step.id);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.scrollIntoView({ block: 'nearest' }), []);
  return (
    <div className={styles.step}>
      <h3 ref={heading}>{step.title}</h3>
      <Markdown text={step.text} />
      {done
        ? <p className={styles.check} data-done role="status"><IconCheck size={14} aria-hidden />Done</p>
        : <>
            <p className={styles.check} role="status"><i aria-hidden />{state.waitingFor ?? 'Looking…'}</p>
            <Help step={step} lab={lab} tutorial={tutorial} />
          </>}
    </div>
  );
}

function Help({ step, lab, tutorial }: Omit<StepProps, 'state'>): ReactNode {
  const api = useApi();
  const [hint, setHint] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<LabError>();
  const doIt = (): void => {
    setBusy(true);
    setError(undefined);
    api.tutorialDo({ lab, tutorial }).catch((cause: unknown) => setError(toLabError(cause))).finally(() => setBusy(false));
  };
  return (
    <div className={styles.help}>
      {step.hint !== undefined && !hint && <Button variant="subtle" color="gray" leftSection={<IconBulb size={14} aria-hidden />} onClick={() => setHint(true)}>Hint</Button>}
      {step.doable && <Button variant="default" loading={busy} leftSection={<IconWand size={14} aria-hidden />} onClick={doIt}>Do it for me</Button>}
      {hint && step.hint !== undefined && <div className={styles.hint}><Markdown text={step.hint} /></div>}
      {error !== undefined && <p role="alert" className={styles.problem}>{error.message} {error.help}</p>}
    </div>
  );
}
