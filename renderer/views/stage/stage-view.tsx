import type { ReactNode } from 'react';

/** The live graph with the stream below it. */
export function StageView(): ReactNode {
  return null;
}
