import { ActionIcon, TextInput } from '@mantine/core';
import { IconFilter, IconPlayerPauseFilled, IconPlayerPlayFilled, IconX } from '@tabler/icons-react';
import { useRef, type ReactNode } from 'react';
import { useTraffic, useTrafficVersion, useUi, useUiActions } from '../../lab/index.ts';
import { format, OutcomeGlyph, Tip, useKeys } from '../../ui/index.ts';
import { outcomes, outcomeWords } from '../../ui/outcome.tsx';
import styles from './traffic.module.css';

/** Filter, outcome chips (the legend too), pause. */
export function TrafficBar(): ReactNode {
  const filter = useUi(state => state.filter);
  const paused = useUi(state => state.paused);
  const { setFilter, togglePaused } = useUiActions();
  const input = useRef<HTMLInputElement>(null);
  useKeys([
    { key: '/', title: 'Filter requests', group: 'Traffic', run: () => input.current?.focus() },
    { key: 'Space', title: 'Pause or go on', group: 'Traffic', run: togglePaused },
  ]);
  return (
    <div className={styles.bar} role="toolbar" aria-label="Requests">
      <TextInput
        ref={input} className={styles.filter ?? ''} placeholder="Filter: reviews 503 GET…" aria-label="Filter requests" value={filter} onChange={event => setFilter(event.currentTarget.value)}
        leftSection={<IconFilter size={13} aria-hidden />}
        rightSection={filter === '' ? undefined : <ActionIcon size={18} aria-label="Clear the filter" onClick={() => setFilter('')}><IconX size={12} aria-hidden /></ActionIcon>}
        onKeyDown={event => { if (event.key === 'Escape') { event.preventDefault(); if (filter === '') input.current?.blur(); else setFilter(''); } }}
      />
      <Chips />
      <span className={styles.space} />
      <Held />
      <Tip label={paused ? 'Go on' : 'Pause'} keys="Space">
        <ActionIcon aria-label={paused ? 'Go on' : 'Pause'} aria-pressed={paused} onClick={togglePaused} color={paused ? 'accent' : 'gray'} variant={paused ? 'light' : 'subtle'}>
          {paused ? <IconPlayerPlayFilled size={14} aria-hidden /> : <IconPlayerPauseFilled size={14} aria-hidden />}
        </ActionIcon>
      </Tip>
    </div>
  );
}

function Chips(): ReactNode {
  const chosen = useUi(state => state.outcomes);
  const { toggleOutcome } = useUiActions();
  return (
    <div className={styles.chips} role="group" aria-label="Outcomes">
      {outcomes.map(outcome => (
        <Tip key={outcome} label={`Only: ${outcomeWords[outcome]}`}>
          <button type="button" className={styles.chip} aria-pressed={chosen.includes(outcome)} aria-label={outcomeWords[outcome]} onClick={() => toggleOutcome(outcome)}>
            <OutcomeGlyph outcome={outcome} size={11} label={false} /><span>{outcomeWords[outcome]}</span>
          </button>
        </Tip>
      ))}
    </div>
  );
}

/** How many requests came since the pause. */
function Held(): ReactNode {
  const paused = useUi(state => state.paused);
  return paused ? <HeldCount /> : null;
}

function HeldCount(): ReactNode {
  const { ring } = useTraffic();
  useTrafficVersion();
  const since = useRef(ring.total);
  return <span className={styles.held}>paused, {format.count(ring.total - since.current, 'new request')}</span>;
}
