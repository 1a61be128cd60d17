import type { ReactNode } from 'react';
import { useUi, useUiActions } from '../../lab/index.ts';
import { CommandPalette } from '../../ui/command-palette.tsx';
import { useCommands } from './use-commands.ts';

/** The command palette of the window: Ctrl/Cmd K. */
export function Palette(): ReactNode {
  const open = useUi(state => state.palette);
  return open ? <OpenPalette /> : null;
}

function OpenPalette(): ReactNode {
  const { setPalette } = useUiActions();
  return <CommandPalette commands={useCommands()} close={() => setPalette(false)} />;
}
