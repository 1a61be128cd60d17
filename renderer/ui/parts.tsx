import { ActionIcon, CopyButton as MantineCopy } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useUiActions } from '../lab/index.ts';
import styles from './parts.module.css';
import { Tip } from './tip.tsx';

/** A titled part of a panel. `aside` stands at the right of the title. */
export function Section({ title, aside, children, id }: { readonly title: string; readonly aside?: ReactNode; readonly children: ReactNode; readonly id?: string }): ReactNode {
  return (
    <section className={styles.section} aria-label={title} id={id}>
      <header className={styles.head}><h3>{title}</h3>{aside !== undefined && <div className={styles.aside}>{aside}</div>}</header>
      {children}
    </section>
  );
}

/** A list of names with values. */
export function Facts({ children }: { readonly children: ReactNode }): ReactNode {
  return <dl className={styles.facts}>{children}</dl>;
}

/** One name with its value; `mono` for names of config, `copy` to offer copying. */
export function Fact({ name, children, mono = false, copy }: { readonly name: string; readonly children: ReactNode; readonly mono?: boolean; readonly copy?: string }): ReactNode {
  return (
    <div className={styles.fact}>
      <dt>{name}</dt>
      <dd className={mono ? 'mono' : undefined}><span className={styles.value}>{children}</span>{copy !== undefined && copy !== '' && <CopyButton text={copy} what={name} />}</dd>
    </div>
  );
}

/** Copies a text; says so. */
export function CopyButton({ text, what }: { readonly text: string; readonly what: string }): ReactNode {
  return (
    <MantineCopy value={text} timeout={1200}>
      {({ copied, copy }) => (
        <Tip label={copied ? 'Copied' : `Copy ${what}`}>
          <ActionIcon size={20} onClick={copy} aria-label={`Copy ${what}`} className={styles.copy}>
            {copied ? <IconCheck size={12} aria-hidden /> : <IconCopy size={12} aria-hidden />}
          </ActionIcon>
        </Tip>
      )}
    </MantineCopy>
  );
}

/** A place in a manifest; opens it. */
export function FileLink({ file, line }: { readonly file: string; readonly line: number }): ReactNode {
  const { openFile } = useUiActions();
  const short = file.slice(file.lastIndexOf('/') + 1);
  return (
    <Tip label={`Open ${file} at line ${line}`}>
      <button type="button" className={styles.file} onClick={() => openFile(file, line)}>{short}:{line}</button>
    </Tip>
  );
}
