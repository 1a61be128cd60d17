import type { ReactNode } from 'react';

/** The mark: a thread that passes over and under three others. */
export function Mark({ size = 24 }: { readonly size?: number }): ReactNode {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" strokeLinecap="round" aria-hidden>
      <g stroke="var(--muted)" strokeWidth="2.2">
        <path d="M6.5 3V9.1M6.5 14.9V21" />
        <path d="M12 3V21" />
        <path d="M17.5 3V9.1M17.5 14.9V21" />
      </g>
      <g stroke="var(--accent)" strokeWidth="2.6">
        <path d="M2.5 12H9.3" />
        <path d="M14.7 12H21.5" />
      </g>
    </svg>
  );
}
