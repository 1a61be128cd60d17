import { admitNode, type Caller, type Refusal } from './identity.ts';

import type { AdsSession } from '../ads/session.ts';
import type { StreamWire } from './ads-wire.ts';
import type { GrpcServices } from './serve.ts';
import type { PacedStream, StreamServer } from './stream.ts';

/** ADS for one client: who it is comes with its first request, and stays. */
export function serveDiscovery(wire: StreamWire, from: Caller, stream: PacedStream, refuse: (refusal: Refusal) => void, { mesh, proxies }: Pick<GrpcServices, 'mesh' | 'proxies'>): StreamServer {
  let joined: { readonly session: AdsSession; leave(): void } | undefined;
  return {
    take: (bytes) => {
      const { node, request } = wire.read(bytes);
      if (joined === undefined) {
        const admitted = admitNode(node, from, mesh);
        if ('refused' in admitted) {
          refuse(admitted);
          return;
        }
        stream.known();
        joined = proxies.join(admitted.node, { secrets: from.secure, delta: wire.delta, send: (push) => stream.send(wire.write(push)), close: refuse });
      }
      if (request !== undefined) joined.session.request(request);
    },
    closed: () => joined?.leave(),
  };
}
