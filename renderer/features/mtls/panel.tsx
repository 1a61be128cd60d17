import { SegmentedControl } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import type { MtlsMode } from '../../../src/contract/index.ts';
import { useLab } from '../../lab/index.ts';
import { mtlsWords } from '../../lab/words.ts';
import { SwitchChange } from '../switch-frame.tsx';
import styles from '../switch-frame.module.css';
import { useSwitch } from '../use-switch.ts';

interface Draft { readonly namespace: string; readonly mode: MtlsMode | undefined }

/** The mTLS mode of the mesh, and of each namespace, which may inherit. */
export function MtlsPanel({ namespaces }: { readonly namespaces: readonly string[] }): ReactNode {
  const modes = useLab(state => state.status?.switches.mtls ?? {});
  const [draft, setDraft] = useState<Draft>();
  const asked = draft !== undefined && modes[draft.namespace] !== draft.mode;
  const clear = (): void => setDraft(undefined);
  const state = useSwitch(asked ? { kind: 'mtls', namespace: draft.namespace, ...(draft.mode === undefined ? {} : { mode: draft.mode }) } : undefined, clear);
  const shown = (namespace: string): MtlsMode | undefined => (draft?.namespace === namespace ? draft.mode : modes[namespace]);
  const mesh = shown('') ?? 'PERMISSIVE';
  return (
    <>
      <Row name="Mesh" value={mesh} onChange={mode => setDraft({ namespace: '', mode: mode as MtlsMode })} />
      {namespaces.map(namespace => (
        <Row key={namespace} name={namespace} inherits value={shown(namespace) ?? 'inherit'} onChange={mode => setDraft({ namespace, mode: mode === 'inherit' ? undefined : mode as MtlsMode })} />
      ))}
      <p className={styles.note}>{mtlsWords[mesh]}</p>
      <SwitchChange state={state} asked={asked} onDiscard={clear} />
    </>
  );
}

function Row({ name, value, inherits = false, onChange }: { readonly name: string; readonly value: string; readonly inherits?: boolean; readonly onChange: (mode: string) => void }): ReactNode {
  const modes = [...(inherits ? [{ value: 'inherit', label: 'mesh' }] : []), { value: 'STRICT', label: 'Strict' }, { value: 'PERMISSIVE', label: inherits ? 'Perm.' : 'Permissive' }, { value: 'DISABLE', label: 'Off' }];
  return (
    <div className={styles.mtlsRow}>
      <span title={name}>{name}</span>
      <SegmentedControl aria-label={`mTLS mode of ${name === 'Mesh' ? 'the mesh' : name}`} fullWidth data={modes} value={value} onChange={onChange} />
    </div>
  );
}
