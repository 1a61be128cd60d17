import type { ReactNode } from 'react';
import { useUi } from '../lab/index.ts';
import { Inspection } from '../views/stage/inspector/inspection.tsx';
import { ErrorBoundary } from './error-boundary.tsx';
import styles from './shell.module.css';

/** The frame at the right: shows what is selected, or the mesh as a whole. */
export function Inspector(): ReactNode {
  const key = useUi(({ selection }) => selection === undefined || selection.kind === 'mesh' ? 'mesh' : `${selection.kind}:${selection.kind === 'request' ? selection.key : selection.id}`);
  const asked = useUi(({ selection }) => selection !== undefined);
  return (
    <aside className={styles.inspector} aria-label="Inspector" data-asked={asked || undefined}>
      <div key={key} className={styles.inspectorBody}><ErrorBoundary><Inspection /></ErrorBoundary></div>
    </aside>
  );
}
