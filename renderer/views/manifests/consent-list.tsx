import { Checkbox } from '@mantine/core';
import type { ReactNode } from 'react';
import type { AskedConsent } from './consent.ts';
import styles from './consent-list.module.css';

interface Props {
  readonly items: readonly AskedConsent[];
  /** The items that are allowed. */
  readonly agreed: readonly string[];
  readonly onChange: (agreed: readonly string[]) => void;
}

/** What manifests want beyond the lab, each with what it would be able to do and the line that asks for it; each is allowed by itself. */
export function ConsentList({ items, agreed, onChange }: Props): ReactNode {
  const toggle = (item: string): void => onChange(agreed.includes(item) ? agreed.filter(one => one !== item) : [...agreed, item]);
  return (
    <ul className={styles.list} aria-label="What the manifests ask for">
      {items.map(each => (
        <li key={each.item}>
          <Checkbox size="xs" checked={agreed.includes(each.item)} onChange={() => toggle(each.item)} label={<Asked asked={each} />} />
        </li>
      ))}
    </ul>
  );
}

function Asked({ asked: { item, why, file, line, text } }: { readonly asked: AskedConsent }): ReactNode {
  const [resource = '', ...what] = item.split(': ');
  return (
    <span className={styles.asked}>
      <span><b>{what.join(': ')}</b> <span className={styles.muted}>for {resource}</span></span>
      <span>{why.charAt(0).toUpperCase()}{why.slice(1)}.</span>
      <code className={styles.line}><span className={styles.muted}>{file}:{line}</span> {text}</code>
    </span>
  );
}
