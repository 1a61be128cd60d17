import { createServer, type Server, type Socket } from 'node:net';
import { addressesOf } from '../../routing/index.ts';
import type { Listener } from '../../xds/index.ts';
import type { Address } from '../link/link.ts';

/** Where a listener's address is really bound; the identity, except where tests bind to free ports. */
export type Bind = (address: Address) => { readonly host: string; readonly port: number };

/** The listening sockets of a proxy, kept as its listeners say. */
export interface ListenSockets {
  /** Binds what is new, then closes what is gone; connections stay. Resolves with what could not be bound, in words. */
  reconcile(listeners: readonly Listener[]): Promise<readonly string[]>;
  /** The port that is really bound for a listener's port. */
  boundPort(port: number): number | undefined;
  /** Takes no connections any more, on all ports or on those of inbound listeners, whatever listeners come; connections stay. */
  drain(inboundOnly: boolean): void;
  /** Stops listening on all. */
  close(): void;
}

const backlog = 4096;

/** Makes the sockets; `accept` gets each connection with the port of its listener, and nothing has been read from it yet. */
export function createListenSockets(bind: Bind, accept: (socket: Socket, port: number) => void): ListenSockets {
  const servers = new Map<string, { readonly server: Server; readonly port: number }>();
  const inbound = new Set<string>();
  let drained: 'none' | 'inbound' | 'all' = 'none';
  const isDrained = (key: string): boolean => drained === 'all' || (drained === 'inbound' && inbound.has(key));
  return {
    async reconcile(listeners) {
      const wanted = new Map(listeners.filter(({ bindToPort }) => bindToPort !== false).flatMap(addressesOf).map((address) => [`${address.ip}:${address.port}`, address]));
      for (const { ip, port } of listeners.filter(({ trafficDirection }) => trafficDirection === 'INBOUND').flatMap(addressesOf)) inbound.add(`${ip}:${port}`);
      const problems: string[] = [];
      await Promise.all([...wanted].filter(([key]) => !servers.has(key) && !isDrained(key)).map(async ([key, address]) => {
        try {
          servers.set(key, { server: await listen(bind(address), (socket) => { accept(socket, address.port); }), port: address.port });
        } catch (error) {
          problems.push(`${key} cannot be bound: ${error instanceof Error ? error.message : String(error)}`);
        }
      }));
      for (const [key, { server }] of servers) {
        if (wanted.has(key)) continue;
        servers.delete(key);
        server.close();
      }
      return problems;
    },
    boundPort(port) {
      const found = [...servers.values()].find((one) => one.port === port)?.server.address();
      return typeof found === 'object' ? found?.port : undefined;
    },
    drain(inboundOnly) {
      if (drained !== 'all') drained = inboundOnly ? 'inbound' : 'all';
      for (const [key, { server }] of servers) {
        if (!isDrained(key)) continue;
        servers.delete(key);
        server.close();
      }
    },
    close() {
      for (const { server } of servers.values()) server.close();
      servers.clear();
    },
  };
}

/** Listens; resolves when bound. */
export function listen(where: { readonly host: string; readonly port: number }, accept: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, accept);
    server.once('error', reject);
    server.listen({ ...where, backlog }, () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}
