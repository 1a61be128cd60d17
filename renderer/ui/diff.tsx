import { structuredPatch } from 'diff';
import { useMemo, type ReactNode } from 'react';
import type { FileChange } from '../../src/contract/index.ts';
import styles from './diff.module.css';
import { FileLink } from './parts.tsx';

/** One line of a diff; `line` is its number in the new text (in the old one for removed lines). */
export interface DiffLine {
  readonly kind: 'same' | 'added' | 'removed' | 'gap';
  readonly text: string;
  readonly line: number;
}

/** The lines of a change that matter, with two of context. Pure. */
export function diffLines(change: FileChange, context = 2): readonly DiffLine[] {
  const { hunks } = structuredPatch(change.path, change.path, change.before, change.after, '', '', { context });
  return hunks.flatMap((hunk, index) => {
    let before = hunk.oldStart;
    let after = hunk.newStart;
    const lines = hunk.lines.filter(line => !line.startsWith('\\')).map((line): DiffLine => {
      const text = line.slice(1);
      if (line.startsWith('+')) return { kind: 'added', text, line: after++ };
      if (line.startsWith('-')) return { kind: 'removed', text, line: before++ };
      before += 1;
      return { kind: 'same', text, line: after++ };
    });
    return index === 0 ? lines : [{ kind: 'gap' as const, text: '', line: 0 }, ...lines];
  });
}

const signs = { same: ' ', added: '+', removed: '−', gap: '⋯' } as const;

/** The change of each file as a readable diff; the file's name opens it. */
export function Diff({ changes }: { readonly changes: readonly FileChange[] }): ReactNode {
  return <>{changes.map(change => <FileDiff key={change.path} change={change} />)}</>;
}

function FileDiff({ change }: { readonly change: FileChange }): ReactNode {
  const lines = useMemo(() => diffLines(change), [change]);
  const first = lines.find(line => line.kind === 'added') ?? lines[0];
  return (
    <figure className={styles.diff}>
      <figcaption>
        <FileLink file={change.path} line={first?.line ?? 1} />
        <span className={styles.note}>{change.before === '' ? 'new file' : change.after === '' ? 'removed' : ''}</span>
      </figcaption>
      <pre tabIndex={0} aria-label={`Change of ${change.path}`}>
        {lines.map((line, index) => (
          <span key={index} className={styles[line.kind]}>
            <span className={styles.number} aria-hidden>{line.kind === 'gap' ? '' : line.line}</span>
            <span className={styles.sign}>{signs[line.kind]}</span>{line.text}{'\n'}
          </span>
        ))}
      </pre>
    </figure>
  );
}
