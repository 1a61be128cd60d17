import { ActionIcon, HoverCard } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import { toLabError } from '../../src/contract/index.ts';
import { useApi, useLab, useLabName, useUiActions } from '../lab/index.ts';
import { faultWords } from '../lab/words.ts';
import { format, OutcomeGlyph, Tip } from '../ui/index.ts';
import styles from './shell.module.css';

/** How many faults are injected now; hover lists them, the cross clears them all. */
export function FaultChip(): ReactNode {
  const lab = useLabName();
  const api = useApi();
  const { announce, select } = useUiActions();
  const faults = useLab(state => state.status?.switches.faults ?? []);
  const [busy, setBusy] = useState(false);
  if (faults.length === 0) return null;
  const clear = (): void => {
    setBusy(true);
    api.switch({ lab, action: { kind: 'clear', what: 'faults' } })
      .then(() => announce('All faults cleared'), (error: unknown) => announce(toLabError(error).message))
      .finally(() => setBusy(false));
  };
  return (
    <HoverCard position="bottom-start" shadow="md" openDelay={200}>
      <span className={styles.chip}>
        <HoverCard.Target>
          <button type="button" className={styles.plain} onClick={() => select({ kind: 'mesh' })}><OutcomeGlyph outcome="fault" size={11} label={false} />{format.count(faults.length, 'fault')}</button>
        </HoverCard.Target>
        <Tip label="Clear all faults">
          <ActionIcon size={20} color="orange" loading={busy} onClick={clear} aria-label="Clear all faults"><IconX size={13} aria-hidden /></ActionIcon>
        </Tip>
      </span>
      <HoverCard.Dropdown>
        {faults.map(fault => <div key={`${fault.namespace}/${fault.host}`}><b>{fault.host}</b> {faultWords(fault)}</div>)}
      </HoverCard.Dropdown>
    </HoverCard>
  );
}
