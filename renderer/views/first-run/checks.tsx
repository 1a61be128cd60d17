import { Button } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck, IconCircleX, IconRefresh } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { Preflight, PreflightCheck } from '../../../src/contract/index.ts';
import { CopyButton, FailedState, LoadingRows, type Asked } from '../../ui/index.ts';
import styles from './first-run.module.css';

const glyphs = { ok: IconCircleCheck, warning: IconAlertTriangle, failed: IconCircleX } as const;
const words = { ok: 'Passed', warning: 'Warning', failed: 'Failed' } as const;

/** What was looked at before anything starts: each check says what it tried and how to fix it. */
export function Checks({ preflight }: { readonly preflight: Asked<Preflight> }): ReactNode {
  const { state, value, error, again } = preflight;
  return (
    <section className={styles.checks} aria-label="Checks" aria-busy={state === 'loading'}>
      <header>
        <h2>{title(value)}</h2>
        <Button variant="subtle" color="gray" leftSection={<IconRefresh size={14} aria-hidden />} loading={state === 'loading' && value !== undefined} onClick={again}>Check again</Button>
      </header>
      {state === 'failed' && <FailedState error={error} retry={again} />}
      {value === undefined && state === 'loading' && <LoadingRows rows={4} label="Checking this machine" />}
      <ul>{value?.checks.map(check => <Check key={check.id} check={check} />)}</ul>
    </section>
  );
}

function title(preflight: Preflight | undefined): string {
  if (preflight === undefined) return 'Checking this machine';
  const failed = preflight.checks.filter(check => check.state === 'failed').length;
  if (failed > 0) return failed === 1 ? 'One thing keeps a lab from starting' : `${failed} things keep a lab from starting`;
  return preflight.checks.some(check => check.state === 'warning') ? 'Ready, with a remark' : 'This machine is ready';
}

function Check({ check }: { readonly check: PreflightCheck }): ReactNode {
  const Glyph = glyphs[check.state];
  return (
    <li className={styles.check} data-state={check.state}>
      <Glyph size={16} aria-label={words[check.state]} />
      <div>
        <p><b>{check.title}</b> <span>{check.detail}</span></p>
        {check.fix !== undefined && check.state !== 'ok' && <p className={styles.fix}>{check.fix}<CopyButton text={check.fix} what="the fix" /></p>}
        {check.tried.length > 0 && (
          <details open={check.state === 'failed'}>
            <summary>Tried {check.tried.length === 1 ? 'one place' : `${check.tried.length} places`}</summary>
            <ul>{check.tried.map(place => <li key={place} className="mono">{place}</li>)}</ul>
          </details>
        )}
      </div>
    </li>
  );
}
