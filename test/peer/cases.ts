import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { resolve } from 'node:path';

/** The folder of peer cases: `PEER_DIR`, or beside the repository. */
export const peerDir = process.env['PEER_DIR'] ?? resolve(fileURLToPath(new URL('../..', import.meta.url)), '../shared/peer');

/** Whether a part of the peer cases is there; says so when it is not. */
export function hasPeer(part: string): boolean {
  const there = existsSync(resolve(peerDir, part));
  if (!there) console.log(`peer cases are not here (${part} in ${peerDir}): skipped`);
  return there;
}

/** The text of a peer file. */
export function readPeer(path: string): string {
  return readFileSync(resolve(peerDir, path), 'utf8');
}
