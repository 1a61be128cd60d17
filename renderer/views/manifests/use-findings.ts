import { useEffect, useState } from 'react';
import { toLabError, type LabError } from '../../../src/contract/index.ts';
import type { Diagnostic, SourceFile } from '../../../src/manifest/index.ts';
import { useApi } from '../../lab/index.ts';

/** Findings about files as they stand in the editor. */
export interface Findings {
  readonly diagnostics: readonly Diagnostic[];
  readonly checking: boolean;
  readonly error: LabError | undefined;
}

const pause = 250;

/** Analyzes the files, unsaved text included, a moment after the last change; late answers are dropped. */
export function useFindings(files: readonly SourceFile[]): Findings {
  const api = useApi();
  const [findings, setFindings] = useState<Findings>({ diagnostics: [], checking: true, error: undefined });
  useEffect(() => {
    let current = true;
    setFindings(old => ({ ...old, checking: true }));
    const timer = setTimeout(() => {
      api.analyze({ files: files.map(({ path, text }) => ({ path, text })) }).then(
        diagnostics => { if (current) setFindings({ diagnostics, checking: false, error: undefined }); },
        (cause: unknown) => { if (current) setFindings(old => ({ ...old, checking: false, error: toLabError(cause) })); },
      );
    }, pause);
    return () => { current = false; clearTimeout(timer); };
  }, [api, files]);
  return findings;
}
