import { Button } from '@mantine/core';
import { IconFolderOpen, IconPlayerPlay } from '@tabler/icons-react';
import { useRef, useState, type DragEvent, type ReactNode } from 'react';
import type { LabError, Sample } from '../../../src/contract/index.ts';
import type { SourceFile } from '../../../src/manifest/index.ts';
import { useApi } from '../../lab/index.ts';
import { FailedState, LoadingRows, useAsync } from '../../ui/index.ts';
import styles from './first-run.module.css';
import { readChosen, readDropped } from './read-files.ts';

/** Starts a lab: a name to begin with, its files, what to ask for, and which sample it is. */
export type Start = (name: string, files: readonly SourceFile[], path?: string, sample?: string) => void;

/** What can be started: the samples, or manifests of one's own. */
export function Samples({ ready, start, error }: { readonly ready: boolean; readonly start: Start; readonly error: LabError | undefined }): ReactNode {
  const api = useApi();
  const samples = useAsync(() => api.samples({}), 'samples');
  return (
    <section aria-label="Labs to start">
      {error !== undefined && <FailedState error={error} />}
      {samples.state === 'failed' && <FailedState error={samples.error} retry={samples.again} />}
      {samples.value === undefined && samples.state === 'loading' && <LoadingRows rows={3} />}
      <div className={styles.cards}>
        {samples.value?.map((sample, index) => <Card key={sample.name} sample={sample} first={index === 0} ready={ready} start={start} />)}
      </div>
      {samples.value !== undefined && <OwnManifests ready={ready} start={start} />}
    </section>
  );
}

function Card({ sample, first, ready, start }: { readonly sample: Sample; readonly first: boolean; readonly ready: boolean; readonly start: Start }): ReactNode {
  return (
    <article className={styles.card} data-first={first || undefined}>
      <h2>{sample.title}</h2>
      <p>{sample.summary}</p>
      <Button
        variant={first ? 'filled' : 'default'} disabled={!ready} leftSection={<IconPlayerPlay size={14} aria-hidden />} aria-label={`Start ${sample.title}`}
        onClick={() => start(sample.name, sample.files, sample.path, sample.name)}
      >Start</Button>
    </article>
  );
}

function OwnManifests({ ready, start }: { readonly ready: boolean; readonly start: Start }): ReactNode {
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const [problem, setProblem] = useState('');
  const begin = (name: string, reading: Promise<readonly SourceFile[]>): void => {
    reading.then(
      files => { if (files.length === 0) setProblem('There is no .yaml, .yml or .json file in it.'); else { setProblem(''); start(name, files); } },
      (cause: unknown) => setProblem(`It cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`),
    );
  };
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    if (ready) begin(event.dataTransfer.items[0]?.webkitGetAsEntry()?.name ?? 'lab', readDropped(event.dataTransfer));
  };
  return (
    <div className={styles.own} data-over={over || undefined} onDragOver={event => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)} onDrop={drop}>
      <IconFolderOpen size={18} stroke={1.6} aria-hidden />
      <span>Or drop a folder with your own manifests here.</span>
      <Button variant="subtle" disabled={!ready} onClick={() => input.current?.click()}>Choose a folder…</Button>
      <input
        ref={input} type="file" multiple hidden aria-label="Folder with manifests" {...{ webkitdirectory: '' }}
        onChange={({ target }) => { const files = [...target.files ?? []]; begin(files[0]?.webkitRelativePath.split('/')[0] ?? 'lab', readChosen(files)); target.value = ''; }}
      />
      {problem !== '' && <span role="alert" className={styles.problem}>{problem}</span>}
    </div>
  );
}
