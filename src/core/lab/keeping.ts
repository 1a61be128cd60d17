import { parseManifests, podTemplates, type SourceFile } from '../../manifest/index.ts';

/** Whether pods of these manifests need somebody who runs the commands of their probes and restarts what has failed: sidecars decide, but cannot do it. */
export function needsKeeping(files: readonly SourceFile[]): boolean {
  return podTemplates(parseManifests(files).resources).some(({ spec }) => spec.containers.some(({ livenessProbe, startupProbe, readinessProbe }) => livenessProbe !== undefined || startupProbe !== undefined || readinessProbe?.exec !== undefined));
}
