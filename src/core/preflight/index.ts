/** Checks before anything is started: what was tried, what came of it, how to fix it. */
export { checkMachine, hostFacts, preflight, type HostFacts } from './preflight.ts';
