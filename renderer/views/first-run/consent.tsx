import { Button, Checkbox } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { FileLink } from '../../ui/index.ts';
import type { AskedConsent } from '../manifests/consent.ts';
import styles from './first-run.module.css';

interface Props {
  readonly lab: string;
  readonly items: readonly AskedConsent[];
  readonly back: () => void;
  /** With the items that were allowed: all of them. */
  readonly start: (consent: readonly string[]) => void;
}

/** What the manifests of a new lab want beyond it: each is allowed by itself, or nothing is started. */
export function Consent({ lab, items, back, start }: Props): ReactNode {
  const [agreed, setAgreed] = useState<readonly string[]>([]);
  const toggle = (item: string): void => setAgreed(all => all.includes(item) ? all.filter(one => one !== item) : [...all, item]);
  return (
    <section className={styles.progress} aria-label={`What ${lab} asks for`}>
      <h2>{lab} asks for more than a lab needs</h2>
      <p>Its manifests reach beyond the lab’s own containers. Allow only what you know and trust.</p>
      <div className={styles.consent}>
        {items.map(({ item, why, file, line }) => (
          <Checkbox key={item} checked={agreed.includes(item)} onChange={() => toggle(item)} label={<>Allow <code>{item}</code></>} description={<>{why} <FileLink file={file} line={line} /></>} />
        ))}
      </div>
      <footer>
        <Button variant="default" onClick={back}>Choose another lab</Button>
        <Button disabled={agreed.length < items.length} onClick={() => start(agreed)}>Allow and start</Button>
      </footer>
    </section>
  );
}
