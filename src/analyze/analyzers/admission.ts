import { validate } from '../../manifest/index.ts';
import type { Analyzer } from '../analyzer.ts';

/** What Istio's admission would refuse or doubt about each resource by itself. */
export const admission: Analyzer = {
  name: 'schemaValidation.CollectionValidationAnalyzer',
  codes: ['IST0106', 'IST0130', 'IST0131', 'IST0133'],
  run: ({ resources }) => resources.flatMap(validate),
};
