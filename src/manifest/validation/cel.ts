import { parse } from '@bufbuild/cel';
import type { Report } from './report.ts';

/** Reports a condition that is not an expression of the Common Expression Language. */
export function checkExpression(expression: string, report: Report): void {
  if (expression === '') return report.error('The expression is empty.', 'Write a condition such as response.code >= 400.');
  try {
    parse(expression);
  } catch (error) {
    report.error(`The expression does not parse: ${(error instanceof Error ? error.message : String(error)).split('\n')[0] ?? ''}.`, 'Write it in CEL, such as response.code >= 400.');
  }
}
