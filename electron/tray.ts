import { dialog, Menu, nativeImage, Tray } from 'electron';
import type { Lab, LabSummary } from '../src/contract/index.ts';
import { trayMenu, trayTip } from './tray-menu.ts';

/** What the tray needs from its app. */
export interface TrayOptions {
  readonly lab: Pick<Lab, 'labs' | 'on' | 'down'>;
  /** A picture of the mark, 32 pixels wide. */
  readonly icon: string;
  readonly open: () => void;
  readonly quit: () => void;
}

/** Points, in a menu bar or a system tray. */
const side = 18;

/**
 * Puts the labs' state where the system keeps such icons. Returns how to take it away; `undefined` where there is no place for one,
 * which costs nothing: the window says the same.
 */
export function openTray({ lab, icon, open, quit }: TrayOptions): (() => void) | undefined {
  const image = nativeImage.createFromPath(icon);
  if (image.isEmpty()) return undefined;
  let tray: Tray;
  try {
    tray = new Tray(process.platform === 'darwin' ? image.resize({ height: side }) : image);
  } catch (error) {
    console.error(`There is no tray icon: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
  const remove = (name: string): void => { removeLab(lab, name).catch((error: unknown) => { dialog.showErrorBox(`${name} could not be removed`, error instanceof Error ? error.message : String(error)); }); };
  const show = (labs: readonly LabSummary[]): void => {
    if (tray.isDestroyed()) return;
    tray.setContextMenu(Menu.buildFromTemplate([...trayMenu(labs, { open, remove, quit })]));
    tray.setToolTip(trayTip(labs));
  };
  show([]);
  // Without an engine there are no labs to tell of; the window says why.
  lab.labs({}).then(show, () => undefined);
  const stop = lab.on('labs', show);
  // On Linux and Windows a click asks for the window; on macOS it opens the menu by itself.
  if (process.platform !== 'darwin') tray.on('click', open);
  return () => {
    stop();
    tray.destroy();
  };
}

async function removeLab(lab: TrayOptions['lab'], name: string): Promise<void> {
  const { response } = await dialog.showMessageBox({
    type: 'question', message: `Remove ${name}?`, detail: 'Its containers and its network go, with all that they hold. Your manifests stay where they are.',
    buttons: ['Remove', 'Keep'], defaultId: 1, cancelId: 1,
  });
  if (response === 0) await lab.down({ lab: name });
}
