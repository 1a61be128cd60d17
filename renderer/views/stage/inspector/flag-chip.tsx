import type { ReactNode } from 'react';
import { wordsOf } from '../../../lab/words.ts';
import { Tip } from '../../../ui/index.ts';
import styles from './inspector.module.css';

/** One of Envoy's flags; the explanation is one hover (or one Tab) away. */
export function FlagChip({ flag }: { readonly flag: string }): ReactNode {
  const words = wordsOf(flag);
  if (words === undefined) return <span className={styles.flag}>{flag}</span>;
  return (
    <Tip openDelay={100} label={<><b>{flag} {words.term}</b><br />{words.means}<br />{words.advice}</>}>
      <button type="button" className={styles.flag} aria-label={`${flag}, ${words.name}`}>{flag}</button>
    </Tip>
  );
}
