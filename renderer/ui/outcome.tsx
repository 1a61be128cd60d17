import type { ReactNode } from 'react';
import type { Outcome } from '../../src/contract/index.ts';
import { outcomeShape } from './outcome-shapes.ts';

export { outcomes, outcomeShape } from './outcome-shapes.ts';

/** The token that colours each outcome. */
export const outcomeColor: Readonly<Record<Outcome, string>> = {
  ok: '--ok', 'client-error': '--warning', 'server-error': '--error', denied: '--denied', fault: '--fault', retried: '--retry', timeout: '--error',
};

/** Each outcome in words. */
export const outcomeWords: Readonly<Record<Outcome, string>> = {
  ok: 'OK', 'client-error': 'Client error', 'server-error': 'Server error', denied: 'Denied', fault: 'Fault injected', retried: 'Retried', timeout: 'Timed out',
};

/** An outcome as its shape in its colour; the word is its name for those who do not see it. */
export function OutcomeGlyph({ outcome, size = 12, label = true }: { readonly outcome: Outcome; readonly size?: number; readonly label?: boolean }): ReactNode {
  const named = label ? { role: 'img', 'aria-label': outcomeWords[outcome] } : { 'aria-hidden': true };
  return (
    <svg width={size} height={size} viewBox="0 0 12 12" fill={`var(${outcomeColor[outcome]})`} fillRule="evenodd" style={{ flex: 'none' }} {...named}>
      <path d={outcomeShape[outcome]} />
    </svg>
  );
}
