import { ActionIcon, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { IconKeyboard, IconMoon, IconSearch, IconSun } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useLab, useUiActions } from '../lab/index.ts';
import { Key, Tip } from '../ui/index.ts';
import { FaultChip } from './fault-chip.tsx';
import { LabMenu } from './lab-menu.tsx';
import { LoadControl } from './load-control.tsx';
import { MtlsChip } from './mtls-chip.tsx';
import styles from './shell.module.css';

/** The lab at hand and its state, the traffic generator, active faults; finding, theme, help. */
export function TopBar(): ReactNode {
  const { setPalette, setHelp } = useUiActions();
  const lost = useLab(state => state.connection.state === 'lost');
  return (
    <header className={styles.bar} data-stale={lost || undefined}>
      <LabMenu />
      <LoadControl />
      <MtlsChip />
      <FaultChip />
      <span className={styles.space} />
      <button type="button" className={styles.find} onClick={() => setPalette(true)}>
        <IconSearch size={14} aria-hidden /><span>Find…</span><Key name="mod+k" />
      </button>
      <ThemeToggle />
      <Tip label="Keys and shapes" keys="?">
        <ActionIcon aria-label="Keys and shapes" onClick={() => setHelp(true)}><IconKeyboard size={17} stroke={1.6} aria-hidden /></ActionIcon>
      </Tip>
    </header>
  );
}

function ThemeToggle(): ReactNode {
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme('dark') === 'dark';
  const label = dark ? 'Light theme' : 'Dark theme';
  return (
    <Tip label={label}>
      <ActionIcon aria-label={label} onClick={() => setColorScheme(dark ? 'light' : 'dark')}>
        {dark ? <IconSun size={17} stroke={1.6} aria-hidden /> : <IconMoon size={17} stroke={1.6} aria-hidden />}
      </ActionIcon>
    </Tip>
  );
}
