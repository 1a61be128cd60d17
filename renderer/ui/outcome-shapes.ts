import type { Outcome } from '../../src/contract/index.ts';

/** All outcomes in the order in which they are listed. */
export const outcomes: readonly Outcome[] = ['ok', 'retried', 'client-error', 'server-error', 'timeout', 'denied', 'fault'];

/** Each outcome's shape as an SVG path in a box of 12 by 12; colour is never the only sign. The dots on the graph use the same paths. */
export const outcomeShape: Readonly<Record<Outcome, string>> = {
  ok: 'M6 2.4a3.6 3.6 0 1 0 0 7.2a3.6 3.6 0 0 0 0-7.2Z',
  'client-error': 'M6 1L11 6L6 11L1 6Z',
  'server-error': 'M6 1L11.4 10.6H0.6Z',
  denied: 'M6 0.8a5.2 5.2 0 1 0 0 10.4a5.2 5.2 0 0 0 0-10.4ZM3 5H9V7H3Z',
  fault: 'M2 0.8H3.4V1.4H10.8L8.6 4.4L10.8 7.4H3.4V11.4H2Z',
  retried: 'M6 1.2A4.8 4.8 0 1 0 10.8 6H9A3 3 0 1 1 6 3V5.2L10 2.4L6 -0.4Z',
  timeout: 'M6 0.8a5.2 5.2 0 1 0 0 10.4a5.2 5.2 0 0 0 0-10.4ZM6 2.4V6H9.6A3.6 3.6 0 1 1 6 2.4Z',
};
