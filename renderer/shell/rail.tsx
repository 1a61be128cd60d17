import type { ReactNode } from 'react';
import { useUi, useUiActions } from '../lab/index.ts';
import { Tip } from '../ui/index.ts';
import { views, type View } from '../views/index.tsx';
import { Mark } from './mark.tsx';
import styles from './shell.module.css';

/** The views, as icons. Settings stands at the foot. */
export function Rail(): ReactNode {
  return (
    <nav className={styles.rail} aria-label="Views">
      <span className={styles.mark}><Mark /></span>
      {views.slice(0, -1).map(view => <RailTab key={view.id} view={view} />)}
      <span className={styles.space} />
      {views.slice(-1).map(view => <RailTab key={view.id} view={view} />)}
    </nav>
  );
}

function RailTab({ view }: { readonly view: View }): ReactNode {
  const current = useUi(state => state.view === view.id);
  const { show } = useUiActions();
  const Glyph = view.icon;
  return (
    <Tip label={view.title} keys={view.key} position="right">
      <button type="button" className={styles.tab} aria-label={view.title} aria-current={current ? 'page' : undefined} onClick={() => show(view.id)}>
        <Glyph size={20} stroke={1.6} aria-hidden />
      </button>
    </Tip>
  );
}
