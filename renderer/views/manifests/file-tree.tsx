import { ActionIcon, TextInput } from '@mantine/core';
import { IconAlertTriangle, IconCircleX, IconFilePlus, IconTrash } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import type { Diagnostic } from '../../../src/manifest/index.ts';
import { Tip } from '../../ui/index.ts';
import { pathProblem, type OpenFile } from './drafts.ts';
import styles from './manifests.module.css';

interface Props {
  readonly files: readonly OpenFile[];
  readonly diagnostics: readonly Diagnostic[];
  readonly selected: string | undefined;
  readonly select: (path: string) => void;
  readonly add: (path: string) => void;
  readonly remove: (path: string) => void;
}

/** The files by folder, each with the worst that was found in it. */
export function FileTree({ files, diagnostics, selected, select, add, remove }: Props): ReactNode {
  const [adding, setAdding] = useState(false);
  const folders = byFolder(files);
  return (
    <nav className={styles.tree} aria-label="Files">
      <header>
        <h2>Files</h2>
        <Tip label="Add a file"><ActionIcon size={24} aria-label="Add a file" onClick={() => setAdding(true)}><IconFilePlus size={16} aria-hidden /></ActionIcon></Tip>
      </header>
      {adding && <NewFile files={files} add={path => { setAdding(false); add(path); }} cancel={() => setAdding(false)} />}
      {folders.map(([folder, inside]) => (
        <div key={folder}>
          {folder !== '' && <p className={styles.folder}>{folder.slice(0, -1)}</p>}
          <ul>
            {inside.map(file => (
              <li key={file.path}>
                <button type="button" className={styles.fileRow} aria-current={file.path === selected || undefined} data-state={file.state} onClick={() => select(file.path)} title={file.path}>
                  <span>{file.path.slice(folder.length)}</span>
                  <Worst diagnostics={diagnostics.filter(each => each.file === file.path)} />
                  {file.state !== 'same' && <i aria-label={file.state === 'new' ? 'New' : 'Edited'} />}
                </button>
                <ActionIcon size={20} className={styles.trash ?? ''} aria-label={`Delete ${file.path}`} onClick={() => remove(file.path)}><IconTrash size={13} aria-hidden /></ActionIcon>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}

function Worst({ diagnostics }: { readonly diagnostics: readonly Diagnostic[] }): ReactNode {
  const errors = diagnostics.filter(each => each.level === 'error').length;
  const warnings = diagnostics.filter(each => each.level === 'warning').length;
  if (errors > 0) return <span className={styles.count} data-level="error"><IconCircleX size={13} aria-label="Errors" />{errors}</span>;
  return warnings > 0 ? <span className={styles.count} data-level="warning"><IconAlertTriangle size={13} aria-label="Warnings" />{warnings}</span> : null;
}

function NewFile({ files, add, cancel }: { readonly files: readonly OpenFile[]; readonly add: (path: string) => void; readonly cancel: () => void }): ReactNode {
  const [path, setPath] = useState('');
  const [tried, setTried] = useState(false);
  const problem = pathProblem(path.trim(), files);
  return (
    <form className={styles.newFile} onSubmit={event => { event.preventDefault(); if (problem === undefined) add(path.trim()); else setTried(true); }}>
      <TextInput
        autoFocus aria-label="Path of the new file" placeholder="reviews-canary.yaml" value={path} error={tried ? problem : undefined}
        onChange={event => setPath(event.currentTarget.value)} onKeyDown={event => { if (event.key === 'Escape') { event.stopPropagation(); cancel(); } }}
        onBlur={() => { if (path === '') cancel(); }}
      />
    </form>
  );
}

function byFolder(files: readonly OpenFile[]): readonly (readonly [string, readonly OpenFile[]])[] {
  const folders = new Map<string, OpenFile[]>();
  for (const file of files) {
    const folder = file.path.slice(0, file.path.lastIndexOf('/') + 1);
    const inside = folders.get(folder);
    if (inside === undefined) folders.set(folder, [file]);
    else inside.push(file);
  }
  return [...folders];
}
