import { IconLock, IconLockOpen2 } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useLab, useUiActions } from '../lab/index.ts';
import { mtlsWords } from '../lab/words.ts';
import { Tip, useKeys } from '../ui/index.ts';
import styles from './shell.module.css';

/** The mesh's mTLS mode; opens the mesh in the inspector. */
export function MtlsChip(): ReactNode {
  const mode = useLab(state => state.status === undefined ? undefined : state.status.switches.mtls[''] ?? 'PERMISSIVE');
  const { select, show } = useUiActions();
  const open = (): void => { show('stage'); select({ kind: 'mesh' }); };
  useKeys([{ key: 'm', title: 'The mesh as a whole', group: 'Topology', run: open }]);
  if (mode === undefined) return null;
  const Glyph = mode === 'STRICT' ? IconLock : IconLockOpen2;
  return (
    <Tip label={`mTLS ${mode}. ${mtlsWords[mode]} Open the mesh.`} keys="m">
      <button type="button" className={styles.barItem} onClick={open} aria-label={`mTLS ${mode.toLowerCase()}; open the mesh`}>
        <Glyph size={15} stroke={1.6} aria-hidden /><span>{mode.toLowerCase()}</span>
      </button>
    </Tip>
  );
}
