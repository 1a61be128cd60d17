import type { MenuItemConstructorOptions } from 'electron';
import type { LabPhase, LabSummary } from '../src/contract/index.ts';

/** What the tray's menu does. */
export interface TrayActions {
  /** Shows the window. */
  open(): void;
  /** Removes a lab, once the person has said so again. */
  remove(lab: string): void;
  quit(): void;
}

const words: Readonly<Record<LabPhase, string>> = { starting: 'starting', running: 'running', degraded: 'needs a look', stopping: 'stopping', stopped: 'stopped', failed: 'failed' };

/** The menu of the tray's icon: the window, every lab with its state, the way out. */
export function trayMenu(labs: readonly LabSummary[], { open, remove, quit }: TrayActions): readonly MenuItemConstructorOptions[] {
  const items = labs.map((lab): MenuItemConstructorOptions => ({
    label: labWords(lab),
    submenu: [{ label: 'Open', click: open }, { label: 'Remove…', enabled: lab.phase !== 'stopping', click: () => remove(lab.name) }],
  }));
  return [
    { label: 'Open Weft', click: open },
    { type: 'separator' },
    ...(items.length === 0 ? [{ label: 'No lab is running', enabled: false }] : items),
    { type: 'separator' },
    { label: 'Quit Weft (labs go on)', click: quit },
  ];
}

/** All labs in a line, for the pointer that rests on the icon. */
export function trayTip(labs: readonly LabSummary[]): string {
  return labs.length === 0 ? 'Weft: no lab is running' : `Weft\n${labs.map(labWords).join('\n')}`;
}

function labWords({ name, phase, pods, ready }: LabSummary): string {
  const count = pods === 1 ? '1 pod' : `${pods} pods`;
  return `${name}: ${words[phase]}, ${ready === pods ? count : `${ready} of ${count} ready`}`;
}
