import type { ReactNode } from 'react';
import { RequestTable } from './request-table.tsx';
import { TrafficBar } from './traffic-bar.tsx';
import styles from './traffic.module.css';

/** Every request, newest first. */
export function TrafficView(): ReactNode {
  return <div className={styles.view}><TrafficBar /><RequestTable wide /></div>;
}
