import { Modal } from '@mantine/core';
import { IconSearch, type Icon } from '@tabler/icons-react';
import { useMemo, useState, type KeyboardEvent, type ReactNode } from 'react';
import styles from './command-palette.module.css';
import { rank } from './command-rank.ts';
import { Key } from './tip.tsx';

/** Something that the palette can do. */
export interface Command {
  readonly id: string;
  readonly title: string;
  readonly group: string;
  readonly icon: Icon;
  /** More words to be found by, and shown beside. */
  readonly hint?: string;
  readonly keys?: string;
  readonly run: () => void;
}

interface Props {
  readonly commands: readonly Command[];
  readonly close: () => void;
}

const shownAtMost = 60;

/** Finds anything by typing: a combobox over all commands, best match first. */
export function CommandPalette({ commands, close }: Props): ReactNode {
  const [query, setQuery] = useState('');
  const [at, setAt] = useState(0);
  const shown = useMemo(() => rank(query, commands).slice(0, shownAtMost), [query, commands]);
  const run = (command: Command | undefined): void => {
    if (command === undefined) return;
    close();
    command.run();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (step !== undefined) { event.preventDefault(); setAt(Math.min(Math.max(at + step, 0), Math.max(shown.length - 1, 0))); }
    else if (event.key === 'Enter') { event.preventDefault(); run(shown[at]); }
  };
  return (
    <Modal opened onClose={close} withCloseButton={false} padding={0} size={560} yOffset="12vh" centered={false} transitionProps={{ duration: 100 }} aria-label="Find anything">
      <div className={styles.field}>
        <IconSearch size={16} aria-hidden />
        <input
          data-autofocus role="combobox" aria-expanded aria-controls="palette-list" aria-activedescendant={shown[at] === undefined ? undefined : `palette-${at}`} aria-label="Find anything"
          placeholder="A view, a service, a pod, a file, an action…" value={query} onChange={event => { setQuery(event.currentTarget.value); setAt(0); }} onKeyDown={onKeyDown}
        />
      </div>
      <ul id="palette-list" role="listbox" aria-label="Results" className={styles.list}>
        {shown.map((command, index) => <Row key={command.id} command={command} index={index} current={index === at} first={index === 0 || shown[index - 1]?.group !== command.group} run={() => run(command)} hover={() => setAt(index)} />)}
        {shown.length === 0 && <li className={styles.none} role="presentation">Nothing has “{query}” in its name.</li>}
      </ul>
    </Modal>
  );
}

interface RowProps {
  readonly command: Command;
  readonly index: number;
  readonly current: boolean;
  readonly first: boolean;
  readonly run: () => void;
  readonly hover: () => void;
}

function Row({ command, index, current, first, run, hover }: RowProps): ReactNode {
  const Glyph = command.icon;
  return (
    <li
      id={`palette-${index}`} role="option" aria-selected={current} className={styles.row} onClick={run} onMouseMove={hover}
      ref={element => { if (current) element?.scrollIntoView({ block: 'nearest' }); }}
    >
      <Glyph size={16} stroke={1.6} aria-hidden />
      <span className={styles.title}>{command.title}</span>
      <span className={styles.hint}>{command.hint}</span>
      {command.keys === undefined ? <span className={styles.group}>{first ? command.group : ''}</span> : <Key name={command.keys} />}
    </li>
  );
}
