import { Button, Loader } from '@mantine/core';
import { IconCircle, IconCircleCheck, IconCircleDashed, IconCircleX } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { Operation, Step } from '../../../src/contract/index.ts';
import { FileLink, format } from '../../ui/index.ts';
import styles from './first-run.module.css';

interface Props {
  readonly operation: Operation;
  readonly cancel: () => void;
  readonly back: () => void;
  /** Absent when the operation was begun elsewhere. */
  readonly again?: () => void;
}

/** An operation as it goes: each step with its time; at a failure the cause, what helps, and what to do next. */
export function OperationProgress({ operation, cancel, back, again }: Props): ReactNode {
  const { state, error, steps, title } = operation;
  return (
    <section className={styles.progress} aria-label={title} aria-live="polite" data-state={state}>
      <h2>{heading(operation)}</h2>
      <ol>{steps.map(step => <Line key={step.id} step={step} />)}</ol>
      {error !== undefined && (
        <div className={styles.failure} role="alert">
          <p><b>{error.message}</b></p>
          {error.help !== undefined && <p>{error.help}</p>}
          {error.diagnostics?.filter(each => each.level === 'error').slice(0, 8).map((each, index) => (
            <p key={index}><FileLink file={each.file} line={each.line} /> {each.message}</p>
          ))}
        </div>
      )}
      <footer>
        {state === 'running' && <Button variant="default" onClick={cancel}>Cancel</Button>}
        {(state === 'failed' || state === 'cancelled') && <Button variant="default" onClick={back}>Choose another lab</Button>}
        {state === 'failed' && again !== undefined && <Button onClick={again}>Try again</Button>}
      </footer>
    </section>
  );
}

function heading({ state, lab }: Operation): string {
  switch (state) {
    case 'running': return `Starting ${lab}`;
    case 'failed': return `${lab} did not start`;
    case 'cancelled': return `${lab} was cancelled, and what it had started is removed`;
    case 'done': return `${lab} is live`;
  }
}

function Line({ step }: { readonly step: Step }): ReactNode {
  return (
    <li data-state={step.state}>
      <StepGlyph state={step.state} />
      <span className={styles.stepTitle}>{step.title}</span>
      <span className={styles.stepDetail}>{step.detail}</span>
      <span className={styles.stepTime}>{step.took === undefined ? '' : format.duration(step.took)}</span>
    </li>
  );
}

function StepGlyph({ state }: { readonly state: Step['state'] }): ReactNode {
  switch (state) {
    case 'waiting': return <IconCircle size={16} stroke={1.4} aria-label="Waiting" />;
    case 'running': return <Loader size={14} aria-label="Running" />;
    case 'done': return <IconCircleCheck size={16} aria-label="Done" />;
    case 'failed': return <IconCircleX size={16} aria-label="Failed" />;
    case 'skipped': return <IconCircleDashed size={16} aria-label="Skipped" />;
  }
}
