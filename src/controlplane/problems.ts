import type { Diagnostic } from '../manifest/index.ts';

/** What can go wrong in the control plane itself, besides manifests. */
export type ProblemKind = 'state' | 'save' | 'compile' | 'secrets' | 'keys' | 'tracing' | 'authority';

const codes: Readonly<Record<ProblemKind, string>> = { state: 'WEFT0901', save: 'WEFT0902', compile: 'WEFT0903', secrets: 'WEFT0904', keys: 'WEFT0906', tracing: 'WEFT0907', authority: 'WEFT0908' };

/** Problems that last until they are cleared; they are shown among the lab's diagnostics. */
export interface Problems {
  set(kind: ProblemKind, message: string, help?: string): void;
  clear(kind: ProblemKind): void;
  readonly diagnostics: readonly Diagnostic[];
}

/** Starts without problems; `changed` hears of each change. */
export function createProblems(changed: () => void): Problems {
  const byKind = new Map<ProblemKind, Diagnostic>();
  return {
    set: (kind, message, help) => {
      if (byKind.get(kind)?.message === message) return;
      byKind.set(kind, { code: codes[kind], level: kind === 'compile' ? 'error' : 'warning', message, file: '', line: 1, column: 1, ...(help === undefined ? {} : { help }) });
      changed();
    },
    clear: (kind) => { if (byKind.delete(kind)) changed(); },
    get diagnostics() { return [...byKind.values()]; },
  };
}
