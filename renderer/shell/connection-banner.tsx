import { Button } from '@mantine/core';
import { IconPlugConnectedX } from '@tabler/icons-react';
import { useEffect, useState, type ReactNode } from 'react';
import { useLab, useMirror } from '../lab/index.ts';
import { EmptyState, format } from '../ui/index.ts';
import styles from './shell.module.css';

/** Says that what is shown is old, and how old; or, with nothing to show at all, what to do. */
export function ConnectionBanner(): ReactNode {
  const { reconnect } = useMirror();
  const connection = useLab(state => state.connection);
  const hasLabs = useLab(state => state.labs !== undefined);
  const heard = useLab(state => state.heard);
  const now = useNow(connection.state === 'lost');
  if (connection.state === 'live' || connection.state === 'connecting') return null;
  const retry = <Button variant="default" onClick={reconnect}>Try now</Button>;
  if (connection.state === 'refused' || !hasLabs) {
    return (
      <div className={styles.fullState} role="alert">
        <EmptyState icon={IconPlugConnectedX} title={connection.message ?? 'Not connected.'} action={connection.state === 'lost' ? retry : undefined}>
          {connection.state === 'lost' ? 'Is Weft still running? This page keeps trying.' : undefined}
        </EmptyState>
      </div>
    );
  }
  return (
    <div className={styles.banner} role="alert">
      <IconPlugConnectedX size={16} aria-hidden />
      <span>{connection.message} What you see is from {format.age(now - (heard === 0 ? connection.since : heard))}; trying again.</span>
      <span className={styles.space} />{retry}
    </div>
  );
}

function useNow(active: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!active) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [active]);
  return now;
}
