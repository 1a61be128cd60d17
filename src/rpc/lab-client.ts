import { LabFailure, schemas, type Lab, type LabApi, type LabEvents } from '../contract/index.ts';
import type { Channel } from './channel.ts';
import { createPeer } from './peer.ts';

/** A lab at the far end of a channel. */
export type LabClient = Lab & {
  /** Ends the channel; calls under way reject with `cancelled`. */
  disconnect(): void;
  /** Called once, when the channel has closed for whatever reason. */
  onDisconnect(listener: () => void): void;
};

type Listeners = { readonly [Name in keyof LabEvents]: Set<(event: Parameters<LabEvents[Name]>[0]) => void> };

/** Calls a lab over a channel; the same face as core in the same process. */
export function connectLabApi(channel: Channel): LabClient {
  const listeners: Listeners = { labs: new Set(), operation: new Set(), status: new Set(), graph: new Set(), records: new Set(), upstreams: new Set(), load: new Set(), tutorial: new Set(), stream: new Set() };
  const peer = createPeer(channel, {
    resolve: (name) => (Object.hasOwn(listeners, name)
      ? (event) => { for (const listener of [...listeners[name as keyof LabEvents]]) (listener as (event: unknown) => void)(event); }
      : undefined),
    timeout: -1,
    gone: () => new LabFailure('cancelled', 'The connection to the lab has ended.'),
  });
  const methods = Object.fromEntries(Object.keys(schemas).map((name) => [name, (request: object = {}) => peer.call(name, [request])])) as unknown as LabApi;
  return {
    ...methods,
    on: (event, listener) => {
      const set: Set<(event: never) => void> = listeners[event];
      set.add(listener as (event: never) => void);
      return () => set.delete(listener as (event: never) => void);
    },
    disconnect: () => peer.close(),
    onDisconnect: (listener) => channel.onClose(listener),
  };
}
