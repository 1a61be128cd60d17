import type { Peer } from '../../contract/index.ts';

/** Nobody that the mesh knows. */
export const nobody: Peer = { pod: '', workload: '', namespace: '', app: '', version: '', principal: '', ip: '' };
