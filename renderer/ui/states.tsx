import { Button, Skeleton } from '@mantine/core';
import { IconAlertTriangle, IconRefresh, type Icon } from '@tabler/icons-react';
import { useEffect, useState, type ReactNode } from 'react';
import { toLabError } from '../../src/contract/index.ts';
import styles from './states.module.css';

/** Nothing to show: says why, and offers the next step. */
export function EmptyState({ icon: Glyph, title, children, action }: { readonly icon: Icon; readonly title: string; readonly children?: ReactNode; readonly action?: ReactNode }): ReactNode {
  return (
    <div className={styles.state}>
      <Glyph size={28} stroke={1.4} aria-hidden className={styles.icon} />
      <p className={styles.title}>{title}</p>
      {children !== undefined && <div className={styles.text}>{children}</div>}
      {action}
    </div>
  );
}

/** Something went wrong: the cause, what helps, and a button to try again. */
export function FailedState({ error, retry }: { readonly error: unknown; readonly retry?: () => void }): ReactNode {
  const { message, help, code } = toLabError(error);
  return (
    <div className={styles.state} role="alert">
      <IconAlertTriangle size={28} stroke={1.4} aria-hidden className={styles.bad} />
      <p className={styles.title}>{message}</p>
      {help !== undefined && <p className={styles.text}>{help}</p>}
      {code !== 'internal' && <code className={styles.code}>{code}</code>}
      {retry !== undefined && <Button leftSection={<IconRefresh size={14} aria-hidden />} variant="default" onClick={retry}>Try again</Button>}
    </div>
  );
}

/** True after 150 ms: what is quick shows no skeleton at all. */
export function useSlow(milliseconds = 150): boolean {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), milliseconds);
    return () => clearTimeout(timer);
  }, [milliseconds]);
  return slow;
}

/** Rows of skeleton, after 150 ms. */
export function LoadingRows({ rows = 6, label = 'Loading' }: { readonly rows?: number; readonly label?: string }): ReactNode {
  const slow = useSlow();
  return (
    <div role="status" className={styles.rows}>
      <span className="visually-hidden">{label}</span>
      {slow && Array.from({ length: rows }, (_, index) => <Skeleton key={index} height={14} width={`${90 - ((index * 17) % 45)}%`} />)}
    </div>
  );
}
