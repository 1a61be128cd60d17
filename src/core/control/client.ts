import type { ControlApi, ControlEvents } from '../../contract/index.ts';

/** Whether calls get through now; a lost connection is made again by itself. */
export type ControlState = 'connected' | 'reconnecting' | 'closed';

/** Where a lab's control plane answers and how to know it. */
export interface ControlAddress {
  readonly host: string;
  readonly port: number;
  /** The lab's token, from the label of the control plane's container. */
  readonly token: string;
  /** The mesh root, PEM: the server must prove that it is `istiod.istio-system.svc` below it. */
  readonly root: string;
}

/**
 * Core's hold on a control plane: all of ControlApi and its events. While the connection is down, calls reject with LabFailure `control-plane-gone`.
 * After `subscribe`, a new connection is subscribed again by itself.
 */
export interface ControlClient extends ControlApi {
  readonly state: ControlState;
  on<Name extends keyof ControlEvents>(event: Name, listener: ControlEvents[Name]): () => void;
  onState(listener: (state: ControlState) => void): () => void;
  close(): void;
}
