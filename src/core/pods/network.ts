import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { LabFailure } from '../../contract/index.ts';
import type { Engine } from '../docker/index.ts';
import { label } from './labels.ts';
import { freeSubnets, labSubnet, type LabSubnet } from './subnet.ts';

/** A lab's network on the engine. */
export interface LabNetwork extends LabSubnet {
  readonly name: string;
}

/** Ranges that are taken on the host, besides Docker's: addresses of interfaces, and routes (a VPN's, for one). */
export function hostRanges(readText: (path: string) => string = (path) => readFileSync(path, 'utf8')): readonly string[] {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []).map(({ cidr }) => cidr).filter((cidr) => cidr !== null);
  return [...own, ...(process.platform === 'linux' ? routes(readText) : [])];
}

/** The network's name: one for each lab. */
export function networkName(lab: string): string {
  return `weft-${lab}`;
}

/** The lab's network; made on a free range when there is none. */
export async function ensureNetwork(engine: Engine, lab: string, taken: readonly string[] = hostRanges()): Promise<LabNetwork> {
  const networks = await engine.networks();
  const existing = networks.find((network) => network.labels[label.lab] === lab);
  const known = existing === undefined ? undefined : labSubnet(existing.subnets[0] ?? '');
  if (existing !== undefined && known !== undefined) return { ...known, name: existing.name };
  let tries = 0;
  for (const subnet of freeSubnets(lab, [...taken, ...networks.flatMap(({ subnets }) => subnets)])) {
    const name = networkName(lab);
    try {
      await engine.createNetwork({ name, labels: { [label.lab]: lab, [label.virtualIps]: subnet.virtualIps }, subnet: subnet.subnet, ipRange: subnet.containers, gateway: subnet.gateway });
      return { ...subnet, name };
    } catch (error) {
      // Another program was faster, or the engine knows of a range that we cannot see.
      if (!(error instanceof LabFailure) || error.code !== 'internal' || !/overlap|already in use|conflicts/i.test(error.message) || ++tries === 8) throw error;
    }
  }
  throw new LabFailure('internal', 'No free private address range is left for the lab’s network.', { help: 'Remove networks that are not used: docker network prune.' });
}

/** The lab's network as it is; `lab-not-found` when there is none. */
export async function findNetwork(engine: Engine, lab: string): Promise<LabNetwork> {
  const network = (await engine.networks()).find(({ labels }) => labels[label.lab] === lab);
  const subnet = labSubnet(network?.subnets[0] ?? '');
  if (network === undefined || subnet === undefined) throw new LabFailure('lab-not-found', `There is no lab “${lab}”.`, { help: 'weft up starts one.' });
  return { ...subnet, name: network.name };
}

/** Routes of Linux' /proc/net/route: addresses and masks in hexadecimal, bytes in reverse. The default route takes nothing. */
function routes(readText: (path: string) => string): readonly string[] {
  let text: string;
  try { text = readText('/proc/net/route'); } catch { return []; }
  return text.split('\n').slice(1).flatMap((line) => {
    const [, destination, , , , , , mask] = line.split('\t');
    if (destination === undefined || mask === undefined || mask === '00000000') return [];
    const bits = [...Number.parseInt(mask, 16).toString(2)].filter((bit) => bit === '1').length;
    const bytes = destination.match(/../g)?.reverse().map((byte) => Number.parseInt(byte, 16)) ?? [];
    return [`${bytes.join('.')}/${bits}`];
  });
}
