import { IconAlertTriangle, IconCircleCheck, IconCircleX, IconInfoCircle } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { FileLink } from '../../ui/index.ts';
import styles from './manifests.module.css';
import type { Findings } from './use-findings.ts';

const glyphs = { error: IconCircleX, warning: IconAlertTriangle, info: IconInfoCircle } as const;
const rank = { error: 0, warning: 1, info: 2 } as const;

/** What was found in all files, worst first; each opens its line. */
export function FindingList({ findings, open }: { readonly findings: Findings; readonly open: (path: string) => void }): ReactNode {
  const { diagnostics, checking, error } = findings;
  if (error !== undefined) return <p className={styles.clean} role="alert"><IconCircleX size={14} aria-hidden /> The files could not be checked: {error.message}</p>;
  if (diagnostics.length === 0) return <p className={styles.clean} role="status">{checking ? 'Checking…' : <><IconCircleCheck size={14} aria-hidden /> Nothing wrong in these files.</>}</p>;
  const sorted = [...diagnostics].sort((one, two) => rank[one.level] - rank[two.level]);
  return (
    <ul className={styles.findings} aria-label="Findings" aria-busy={checking}>
      {sorted.map((each, index) => {
        const Glyph = glyphs[each.level];
        return (
          <li key={index} data-level={each.level} onClick={() => open(each.file)}>
            <Glyph size={14} aria-label={each.level} />
            <p>{each.message}{each.help !== undefined && <span> {each.help}</span>}</p>
            <code>{each.code}</code>
            <FileLink file={each.file} line={each.line} />
          </li>
        );
      })}
    </ul>
  );
}
