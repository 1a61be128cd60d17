/** The headless lab: LabApi and its events, over Docker. */
export { createCore, type Core, type CoreOptions, type TutorialRunner } from './create-lab.ts';
export type { Backend } from './backend.ts';
