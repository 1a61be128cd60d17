import { Menu } from '@mantine/core';
import { IconCheck, IconChevronDown, IconPlus } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { LabPhase, LabSummary } from '../../src/contract/index.ts';
import { useLab, useMirror, useUiActions } from '../lab/index.ts';
import { format, Tip } from '../ui/index.ts';
import { openFirstRun } from '../views/first-run/open-first-run.ts';
import styles from './shell.module.css';

/** The lab's name (a menu of all labs), its state and its pods. */
export function LabMenu(): ReactNode {
  const name = useLab(state => state.lab);
  const labs = useLab(state => state.labs ?? []);
  const { selectLab } = useMirror();
  if (name === undefined) return <div className={styles.barItem}><span className={styles.muted}>No lab yet</span></div>;
  return (
    <>
      <Menu>
        <Menu.Target>
          <button type="button" className={`${styles.barItem} ${styles.lab}`} aria-label={`Lab ${name}; choose another`}>
            <span>{name}</span><IconChevronDown size={14} aria-hidden />
          </button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>Labs</Menu.Label>
          {labs.map(lab => (
            <Menu.Item key={lab.name} onClick={() => selectLab(lab.name)} leftSection={<PhaseDot phase={lab.phase} />} rightSection={lab.name === name ? <IconCheck size={14} aria-label="Shown" /> : undefined}>
              {lab.name} <span className={styles.muted}>{lab.phase === 'stopped' ? 'stopped' : podsReady(lab)}</span>
            </Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item leftSection={<IconPlus size={14} aria-hidden />} onClick={() => openFirstRun(true)}>Start another lab…</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <LabState name={name} labs={labs} />
    </>
  );
}

function LabState({ name, labs }: { readonly name: string; readonly labs: readonly LabSummary[] }): ReactNode {
  const { show } = useUiActions();
  const phase = useLab(state => state.status?.phase);
  const message = useLab(state => state.status?.message);
  const ready = useLab(state => state.status?.pods.filter(pod => pod.ready).length);
  const pods = useLab(state => state.status?.pods.length);
  const summary = labs.find(lab => lab.name === name);
  const shown = phase ?? summary?.phase ?? 'starting';
  const text = podsReady({ pods: pods ?? summary?.pods ?? 0, ready: ready ?? summary?.ready ?? 0 });
  return (
    <Tip label={message ?? `The lab is ${shown}. Open its pods.`} keys="5">
      <button type="button" className={styles.barItem} onClick={() => show('pods')}>
        <PhaseDot phase={shown} /><span>{shown}</span><span className={styles.muted}>{text}</span>
      </button>
    </Tip>
  );
}

function PhaseDot({ phase }: { readonly phase: LabPhase }): ReactNode {
  return <span className={styles.phase} data-phase={phase} aria-hidden />;
}

function podsReady({ pods, ready }: Pick<LabSummary, 'pods' | 'ready'>): string {
  return pods === ready ? format.count(pods, 'pod') : `${ready} of ${format.count(pods, 'pod')} ready`;
}
