import type { Peer, PodRegistration } from '../../contract/index.ts';
import { canonicalName, canonicalRevision } from '../../compile/index.ts';

/** Finds the pod that has an address, as a peer without an identity: what an address tells is no proof. */
export function callersIn(pods: () => readonly PodRegistration[]): (ip: string) => Peer | undefined {
  let of: readonly PodRegistration[] | undefined;
  let byIp = new Map<string, Peer>();
  return (ip) => {
    const now = pods();
    if (now !== of) byIp = new Map(now.map((pod) => [pod.ip, peerOf(pod)]));
    of = now;
    return byIp.get(ip);
  };
}

function peerOf({ name, namespace, ip, workload, labels }: PodRegistration): Peer {
  return { pod: `${namespace}/${name}`, workload, namespace, app: canonicalName(labels, workload), version: canonicalRevision(labels), principal: '', ip };
}
