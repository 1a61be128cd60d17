import {
  IconFileCode, IconListDetails, IconRoute2, IconSchool, IconSettings, IconStack2, IconTopologyStar3, type Icon,
} from '@tabler/icons-react';
import { lazy, type ComponentType } from 'react';
import type { ViewId } from '../lab/index.ts';
import { Palette } from './palette/palette.tsx';

/**
 * The views of the window: the rail, the keys 1 … 7, the palette and the help are all made from this table.
 *
 * To plug a view in: put its component behind `lazy` (one named export, no props) and its row here. What it can use:
 * - the lab: `useLab(selector)`, `useApi()`, `useLabName()`, `useTraffic()`, `useOnStream()` from `../lab/index.ts` (read-only mirror; events do the rest);
 * - moving about: `useUi(selector)`, `useUiActions()` from there: `show(view)`, `openFile(path, line)` → `fileTarget`, `openPod('ns/pod')` → `podTarget`;
 * - primitives: `../ui/index.ts` (`EmptyState`, `FailedState`, `LoadingRows`, `useAsync`, `Tip`, `Section`, `Facts`, `FileLink`, `Diff`, `useKeys`, `format`);
 * - colours and sizes: the variables of `../ui/tokens.css`, never literals. A view gets a box with `overflow: hidden` and scrolls inside of it.
 */
export interface View {
  readonly id: ViewId;
  readonly title: string;
  /** One line for the palette and the tooltip. */
  readonly hint: string;
  readonly key: string;
  readonly icon: Icon;
  readonly component: ComponentType;
  /** Shows the inspector at the right. */
  readonly inspector: boolean;
  /** Shown without a lab too; the others give way to the first run while there is no lab. */
  readonly needsLab: boolean;
}

/** Starting a lab makes networks, and a browser gives up what it is loading when the machine's networks change: such a load is tried again. */
const retries = 5;

const named = (load: () => Promise<ComponentType>): ComponentType => lazy(async () => {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return { default: await load() };
    } catch (error) {
      if (attempt === retries) throw error;
      await new Promise(resolve => setTimeout(resolve, 200 * (attempt + 1)));
    }
  }
});

export const views: readonly View[] = [
  { id: 'stage', title: 'Topology', hint: 'The live graph: every dot is a request', key: '1', icon: IconTopologyStar3, inspector: true, needsLab: true, component: named(async () => (await import('./stage/stage-view.tsx')).StageView) },
  { id: 'traffic', title: 'Traffic', hint: 'Every request, newest first', key: '2', icon: IconListDetails, inspector: true, needsLab: true, component: named(async () => (await import('./traffic/traffic-view.tsx')).TrafficView) },
  { id: 'manifests', title: 'Manifests', hint: 'The files, with findings at the line', key: '3', icon: IconFileCode, inspector: false, needsLab: true, component: named(async () => (await import('./manifests/manifests-view.tsx')).ManifestsView) },
  { id: 'explain', title: 'Explain', hint: 'What would happen to a call, step by step', key: '4', icon: IconRoute2, inspector: false, needsLab: true, component: named(async () => (await import('./explain/explain-view.tsx')).ExplainView) },
  { id: 'pods', title: 'Pods', hint: 'State, logs, terminal', key: '5', icon: IconStack2, inspector: false, needsLab: true, component: named(async () => (await import('./pods/pods-view.tsx')).PodsView) },
  { id: 'tutorials', title: 'Tutorials', hint: 'Learn by doing, checked as you go', key: '6', icon: IconSchool, inspector: false, needsLab: false, component: named(async () => (await import('./tutorials/tutorials-view.tsx')).TutorialsView) },
  { id: 'settings', title: 'Settings', hint: 'Appearance, images, about', key: '7', icon: IconSettings, inspector: false, needsLab: false, component: named(async () => (await import('./settings/settings-view.tsx')).SettingsView) },
];

/** Stands in the whole window while core knows of no lab. */
export const firstRun: ComponentType = named(async () => (await import('./first-run/first-run.tsx')).FirstRun);

/** Mounted once, above everything: the command palette opens on `ui.palette` (Ctrl/Cmd K, the Find button). */
export const overlays: readonly ComponentType[] = [Palette];
