import { Suspense, type ReactNode } from 'react';
import { useLab, useUi, useUiActions } from '../lab/index.ts';
import { LoadingRows, useKeys, type KeyBinding } from '../ui/index.ts';
import { useFirstRunOpen } from '../views/first-run/open-first-run.ts';
import { firstRun as FirstRun, overlays, views } from '../views/index.tsx';
import { TutorialPanel } from '../views/tutorials/tutorial-panel.tsx';
import { ConnectionBanner } from './connection-banner.tsx';
import { ErrorBoundary } from './error-boundary.tsx';
import { Help } from './help.tsx';
import { Inspector } from './inspector.tsx';
import { Rail } from './rail.tsx';
import styles from './shell.module.css';
import { TopBar } from './top-bar.tsx';

/** The frame of the window: rail, top bar, the view at hand, the inspector, and what lies above. */
export function Shell(): ReactNode {
  const viewId = useUi(state => state.view);
  const announcement = useUi(state => state.announcement);
  const noLabs = useLab(state => state.labs?.length === 0);
  const refused = useLab(state => state.connection.state === 'refused' || (state.labs === undefined && state.connection.state === 'lost'));
  const lost = useLab(state => state.connection.state === 'lost');
  const choosing = useFirstRunOpen();
  useKeys(useShellKeys());
  const view = views.find(each => each.id === viewId) ?? views[0];
  if (view === undefined) return null;
  const first = choosing || (noLabs && view.needsLab);
  const Body = first ? FirstRun : view.component;
  return (
    <div className={styles.shell}>
      <Rail />
      <TopBar />
      <div className={styles.body}>
        <ConnectionBanner />
        {!refused && (
          <div className={styles.columns} data-stale={lost || undefined}>
            {!first && <ErrorBoundary><TutorialPanel /></ErrorBoundary>}
            <main className={styles.view} aria-label={first ? 'First run' : view.title} id="view">
              <ErrorBoundary key={view.id}><Suspense fallback={<LoadingRows />}><Body /></Suspense></ErrorBoundary>
            </main>
            {view.inspector && !first && !noLabs && <Inspector />}
          </div>
        )}
      </div>
      <Help />
      {overlays.map((Overlay, index) => <ErrorBoundary key={index}><Overlay /></ErrorBoundary>)}
      <div role="status" aria-live="polite" className="visually-hidden">{announcement}</div>
    </div>
  );
}

function useShellKeys(): readonly KeyBinding[] {
  const actions = useUiActions();
  const help = useUi(state => state.help);
  return [
    { key: 'mod+k', title: 'Find anything', group: 'Anywhere', whileTyping: true, run: () => actions.setPalette(true) },
    { key: '?', title: 'All keys', group: 'Anywhere', run: () => actions.setHelp(!help) },
    { key: 'Escape', title: 'Back one step', group: 'Anywhere', run: () => actions.back() },
    ...views.map((view): KeyBinding => ({ key: view.key, title: view.title, group: 'Views', run: () => actions.show(view.id) })),
  ];
}
