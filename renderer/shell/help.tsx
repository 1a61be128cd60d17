import { Modal } from '@mantine/core';
import type { ReactNode } from 'react';
import { useUi, useUiActions } from '../lab/index.ts';
import { Key } from '../ui/index.ts';
import { useKeyBindings, type KeyBinding } from '../ui/keys.tsx';
import { OutcomeGlyph, outcomes, outcomeWords } from '../ui/outcome.tsx';
import styles from './shell.module.css';

/** Every key that is in force, and what the shapes mean. */
export function Help(): ReactNode {
  const open = useUi(state => state.help);
  const { setHelp } = useUiActions();
  return (
    <Modal opened={open} onClose={() => setHelp(false)} title="Keys and shapes" size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      {open && <HelpBody />}
    </Modal>
  );
}

function HelpBody(): ReactNode {
  const bindings = useKeyBindings();
  const groups = new Map<string, KeyBinding[]>();
  for (const binding of bindings) groups.set(binding.group, [...(groups.get(binding.group) ?? []), binding]);
  return (
    <div className={styles.helpGroups}>
      {[...groups].map(([group, keys]) => (
        <section key={group} className={styles.helpGroup}>
          <h3>{group}</h3>
          <dl>{unique(keys).map(binding => <div key={binding.key}><dt>{binding.title}</dt><dd><Key name={binding.key} /></dd></div>)}</dl>
        </section>
      ))}
      <section className={styles.helpGroup}>
        <h3>Outcomes</h3>
        <dl>{outcomes.map(outcome => <div key={outcome}><dt>{outcomeWords[outcome]}</dt><dd><OutcomeGlyph outcome={outcome} size={13} label={false} /></dd></div>)}</dl>
      </section>
    </div>
  );
}

function unique(bindings: readonly KeyBinding[]): readonly KeyBinding[] {
  return [...new Map(bindings.map(binding => [binding.key, binding])).values()];
}
