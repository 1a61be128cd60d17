/** The traffic generator: requests on a schedule, counted. */
export { startLoad, type LoadGenerator, type LoadPlan } from './generator.ts';
