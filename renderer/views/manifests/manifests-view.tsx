import { Button } from '@mantine/core';
import { IconArrowBackUp, IconCheck, IconFileCode } from '@tabler/icons-react';
import { useCallback, useEffect, useMemo, useState, type DragEvent, type ReactNode } from 'react';
import type { SourceFile } from '../../../src/manifest/index.ts';
import { useApi, useLab, useLabName, useUi } from '../../lab/index.ts';
import { EmptyState, FailedState, format, LoadingRows, Tip, useAsync, useKeys } from '../../ui/index.ts';
import { readDropped } from '../first-run/read-files.ts';
import { ApplyDialog } from './apply-dialog.tsx';
import { edit, forget, noDrafts, overlay, type OpenFile } from './drafts.ts';
import { Editor } from './editor.tsx';
import { FileTree } from './file-tree.tsx';
import { FindingList } from './finding-list.tsx';
import styles from './manifests.module.css';
import { useFindings } from './use-findings.ts';

/** The lab's files: read, edited, checked as one types, applied with a look at the difference. */
export function ManifestsView(): ReactNode {
  const lab = useLabName();
  const api = useApi();
  const version = useLab(state => state.status?.version ?? '');
  const held = useAsync(() => api.files({ lab }), `${lab}\n${version}`);
  if (held.value === undefined) return held.state === 'failed' ? <FailedState error={held.error} retry={held.again} /> : <LoadingRows rows={12} label="Loading files" />;
  return <Workbench key={lab} lab={lab} held={held.value} reload={held.again} />;
}

function Workbench({ lab, held, reload }: { readonly lab: string; readonly held: readonly SourceFile[]; readonly reload: () => void }): ReactNode {
  const [drafts, setDrafts] = useState(noDrafts);
  const [chosen, setChosen] = useState<string>();
  const [asking, setAsking] = useState<'apply' | readonly SourceFile[]>();
  const target = useUi(state => state.fileTarget);
  const files = useMemo(() => overlay(held, drafts), [held, drafts]);
  const findings = useFindings(files);
  useEffect(() => { if (target !== undefined) setChosen(target.path); }, [target]);
  const file = files.find(each => each.path === chosen) ?? files.find(each => chosen !== undefined && each.path.endsWith(`/${chosen}`)) ?? files[0];
  const changed = files.filter(each => each.state !== 'same');
  const write = useCallback((path: string, text: string, before: string | undefined) => setDrafts(old => edit(old, path, text, before)), []);
  const apply = (): void => { if (changed.length > 0) setAsking('apply'); };
  useKeys([{ key: 'mod+s', title: 'Apply the changes', group: 'Manifests', whileTyping: true, run: apply }]);
  const add = (added: readonly SourceFile[]): void => {
    setDrafts(old => added.reduce((all, each) => edit(all, each.path, each.text, held.find(({ path }) => path === each.path)?.text), old));
    if (added[0] !== undefined) setChosen(added[0].path);
  };
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    readDropped(event.dataTransfer).then(add, () => undefined); // A file that vanished while it was dropped: there is nothing to add.
  };
  const here = findings.diagnostics.filter(each => each.file === file?.path);
  return (
    <div className={styles.page} onDragOver={event => event.preventDefault()} onDrop={drop}>
      <FileTree
        files={files} diagnostics={findings.diagnostics} selected={file?.path} select={setChosen}
        add={path => add([{ path, text: '' }])}
        remove={path => { const one = held.find(each => each.path === path); if (one === undefined) setDrafts(old => forget(old, [path])); else setAsking([one]); }}
      />
      <div className={styles.main}>
        {file === undefined
          ? <EmptyState icon={IconFileCode} title="This lab has no files">Drop YAML files or a folder here, or add a file on the left.</EmptyState>
          : <>
              <FileBar file={file} changed={changed.length} revert={() => setDrafts(old => forget(old, [file.path]))} apply={apply} />
              <Editor key={file.path} path={file.path} text={file.text} diagnostics={here} target={target !== undefined && (file.path === target.path || file.path.endsWith(`/${target.path}`)) ? target : undefined} onChange={text => write(file.path, text, file.held)} onApply={apply} />
            </>}
        <FindingList findings={findings} open={path => setChosen(path)} />
      </div>
      {asking !== undefined && (
        <ApplyDialog
          lab={lab} files={asking === 'apply' ? changed.map(({ path, text }) => ({ path, text })) : asking} mode={asking === 'apply' ? 'apply' : 'delete'}
          close={() => setAsking(undefined)}
          done={paths => { setDrafts(old => forget(old, paths)); setAsking(undefined); reload(); }}
        />
      )}
    </div>
  );
}

const words = { same: '', edited: 'edited', new: 'new', overtaken: 'changed in the lab while you edited it' } as const;

function FileBar({ file, changed, revert, apply }: { readonly file: OpenFile; readonly changed: number; readonly revert: () => void; readonly apply: () => void }): ReactNode {
  return (
    <header className={styles.bar}>
      <span className="mono">{file.path}</span>
      <span className={styles.fileState} data-state={file.state}>{words[file.state]}</span>
      <span className={styles.space} />
      {file.state !== 'same' && <Button variant="subtle" color="gray" leftSection={<IconArrowBackUp size={14} aria-hidden />} onClick={revert}>{file.held === undefined ? 'Discard' : 'Revert'}</Button>}
      <Tip label="Look at the difference, then apply" keys="mod+s">
        <Button disabled={changed === 0} leftSection={<IconCheck size={14} aria-hidden />} onClick={apply}>{changed > 1 ? `Apply ${format.count(changed, 'file')}…` : 'Apply…'}</Button>
      </Tip>
    </header>
  );
}
