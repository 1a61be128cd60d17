import type { ReactNode } from 'react';
import type { DecisionStep } from '../../../../src/contract/index.ts';
import { stageWords } from '../../../lab/words.ts';
import { FileLink, format } from '../../../ui/index.ts';
import styles from './inspector.module.css';

/** A decision step by step, with what lost and why, down to the lines of YAML. */
export function Decision({ steps }: { readonly steps: readonly DecisionStep[] }): ReactNode {
  if (steps.length === 0) return <p className={styles.hint}>The proxy sent no trace of this decision.</p>;
  return <ol className={styles.steps}>{steps.map((step, index) => <Step key={index} step={step} />)}</ol>;
}

function Step({ step }: { readonly step: DecisionStep }): ReactNode {
  return (
    <li className={styles.step} data-acted={step.origin !== undefined || undefined}>
      <div className={styles.stage}><span>{stageWords[step.stage]}</span>{step.origin !== undefined && <FileLink file={step.origin.file} line={step.origin.line} />}</div>
      <div className={styles.stepWhat}>{step.what}</div>
      {step.why !== undefined && <div className={styles.stepWhy}>{step.why}</div>}
      {step.rejected !== undefined && step.rejected.length > 0 && <Rejected rejected={step.rejected} />}
    </li>
  );
}

function Rejected({ rejected }: { readonly rejected: NonNullable<DecisionStep['rejected']> }): ReactNode {
  return (
    <details className={styles.rejected}>
      <summary>{format.count(rejected.length, 'candidate')} that lost</summary>
      <ul>
        {rejected.map((each, index) => (
          <li key={index}><div className={styles.stage}><span className={styles.stepWhat}>{each.what}</span>{each.origin !== undefined && <FileLink file={each.origin.file} line={each.origin.line} />}</div><div className={styles.stepWhy}>{each.why}</div></li>
        ))}
      </ul>
    </details>
  );
}
