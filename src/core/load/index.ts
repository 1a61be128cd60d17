/** The traffic generator: requests on a schedule, counted. */
export { generateLoad, startLoad, type LoadGenerator, type LoadPlan } from './generator.ts';
export { suggestedPath } from './suggested-path.ts';
