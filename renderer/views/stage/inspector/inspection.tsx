import type { ReactNode } from 'react';

/** What is selected, inspected. */
export function Inspection(): ReactNode {
  return null;
}
