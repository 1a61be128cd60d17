import { createHash } from 'node:crypto';
import type { WorkloadKind } from '../../manifest/index.ts';
import { safeName } from './labels.ts';

/** Kubernetes' alphabet for generated names: no vowels, no look-alikes. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
/** Longest name that is also a host name. */
const longest = 63;

/** The pod-template-hash: the same template gives the same. */
export function templateHash(content: string): string {
  return letters(content, 10);
}

/**
 * A pod's name as Kubernetes would give it: `reviews-v1-6c5d7b8f9b-x2k4p` for a Deployment, `db-0` for a StatefulSet, its own for a bare pod.
 * The suffix follows from template and number, so the same manifests give the same names; `attempt` makes another for a pod that replaces one of the same template.
 */
export function podName(kind: WorkloadKind, workload: string, hash: string, ordinal: number, attempt = 0): string {
  safeName(workload, 'The workload');
  if (kind === 'Pod') return workload;
  if (kind === 'StatefulSet') return `${workload.slice(0, longest - 6)}-${ordinal}`;
  const suffix = letters(`${workload}/${hash}/${ordinal}/${attempt}`, 5);
  const tail = kind === 'Deployment' ? `-${hash}-${suffix}` : `-${suffix}`;
  return `${workload.slice(0, longest - tail.length)}${tail}`;
}

/** The name of a container on the engine. Underscores cannot stand in Kubernetes' names, so no two containers of any pods share one. */
export function containerName(lab: string, pod: string, container: string): string {
  return `weft-${lab}_${pod.replace('/', '_')}_${container}`;
}

function letters(content: string, count: number): string {
  const bytes = createHash('sha256').update(content).digest();
  return Array.from(bytes.subarray(0, count), (byte) => alphabet.charAt(byte % alphabet.length)).join('');
}
