import type { ReactNode } from 'react';

/** Every request, newest first. */
export function TrafficView(): ReactNode {
  return null;
}
