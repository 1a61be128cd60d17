import type { Rule } from '../lab/rules.ts';

/** One thing that the rules say, in words, and where it is written (below `spec`). */
export interface Finding {
  readonly text: string;
  readonly path: readonly (string | number)[];
}

/** What a feature's rules say about the service that is selected. */
export interface FeaturePanel {
  readonly feature: string;
  readonly title: string;
  /** Pure: reads one rule that concerns the service. */
  read(rule: Rule): readonly Finding[];
}
