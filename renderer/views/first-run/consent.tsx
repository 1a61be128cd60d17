import { Button } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { format } from '../../ui/index.ts';
import type { AskedConsent } from '../manifests/consent.ts';
import { ConsentList } from '../manifests/consent-list.tsx';
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
  const open = items.length - agreed.length;
  return (
    <section className={styles.progress} aria-label={`What ${lab} asks for`}>
      <h2>{lab} asks for more than a lab needs</h2>
      <p>Its manifests reach beyond the lab’s own containers. Allow only what you know and trust.</p>
      <div className={styles.consent}>
        <ConsentList items={items} agreed={agreed} onChange={setAgreed} />
      </div>
      <footer>
        <Button variant="default" onClick={back}>Choose another lab</Button>
        <Button disabled={open > 0} onClick={() => start(agreed)}>Allow and start</Button>
        {open > 0 && <span className={styles.open}>{format.count(open, 'item')} not allowed yet</span>}
      </footer>
    </section>
  );
}
