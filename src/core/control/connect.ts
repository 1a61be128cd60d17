import { connect as connectTls, type TLSSocket } from 'node:tls';
import { LabFailure, type ControlApi, type ControlEvents } from '../../contract/index.ts';
import { createPeer, type Peer } from '../../rpc/index.ts';
import { lineChannel } from '../../rpc/lines.ts';
import type { ControlAddress, ControlClient, ControlState } from './client.ts';

export type { ControlAddress, ControlClient, ControlState } from './client.ts';

/** The name that the control plane's certificate carries, as in Istio. */
const serverName = 'istiod.istio-system.svc';
/** Every method, or it does not compile: one that is left out could not be called. */
const methods = Object.keys({
  files: true, setFiles: true, pods: true, setPods: true, setNetwork: true, status: true, proxyConfig: true, records: true, trace: true, metricsText: true, upstreams: true, virtualIps: true, keySets: true, rotateRoot: true, probed: true, containerNews: true, subscribe: true,
} satisfies Record<keyof ControlApi, true>) as readonly (keyof ControlApi)[];
const callTimeout = 30_000;
const handshakeTimeout = 5000;
/** Waits between attempts, milliseconds. */
const retry = { first: 50, longest: 2000 } as const;

type Listeners = { readonly [Name in keyof ControlEvents]: Set<(event: never) => void> };

/**
 * Connects to a control plane. Its published port may be another one after a restart, so a function is asked again before each attempt.
 * Resolves when it answers, rejects with `control-plane-gone` when it does not within `timeout` milliseconds.
 */
export async function connectControl(where: ControlAddress | (() => Promise<ControlAddress>), timeout = 10_000): Promise<ControlClient> {
  const locate = typeof where === 'function' ? where : () => Promise.resolve(where);
  let address = await locate();
  const gone = (why: string): LabFailure => new LabFailure('control-plane-gone', `The control plane at ${address.host}:${address.port} ${why}.`, { help: 'Traffic goes on as it is. The connection is tried again by itself.' });
  const listeners: Listeners = { status: new Set(), records: new Set(), metrics: new Set(), upstreams: new Set(), probe: new Set(), restart: new Set() };
  const stateListeners = new Set<(state: ControlState) => void>();
  let state: ControlState = 'reconnecting';
  let peer: Peer | undefined;
  let subscribed = false;
  let timer: NodeJS.Timeout | undefined;

  function setState(next: ControlState): void {
    if (state === next) return;
    state = next;
    for (const listener of [...stateListeners]) listener(next);
  }

  const resolve = (name: string): ((...args: readonly unknown[]) => void) | undefined => (Object.hasOwn(listeners, name)
    ? (event) => { for (const listener of [...listeners[name as keyof ControlEvents]]) (listener as (event: unknown) => void)(event); }
    : undefined);

  /** One connection that has answered a call: an open port alone proves nothing behind Docker's proxy. */
  async function open(): Promise<void> {
    address = await locate();
    const socket = await handshake(address);
    const channel = lineChannel(socket);
    const fresh = createPeer(channel, { resolve, timeout: callTimeout, gone: () => gone('is not there') });
    socket.write(`${JSON.stringify({ core: { token: address.token } })}\n`);
    try {
      await within(fresh.call(subscribed ? 'subscribe' : 'virtualIps', []), handshakeTimeout, gone('did not answer'));
    } catch (error) {
      fresh.close();
      throw error;
    }
    if (state === 'closed') {
      fresh.close();
      return;
    }
    peer = fresh;
    channel.onClose(() => {
      if (peer === fresh) peer = undefined;
      if (state === 'closed') return;
      setState('reconnecting');
      again(retry.first);
    });
    setState('connected');
  }

  function again(delay: number): void {
    if (state === 'closed' || peer !== undefined) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      open().catch(() => again(Math.min(delay * 2, retry.longest)));
    }, delay);
  }

  async function call(method: keyof ControlApi, args: readonly unknown[]): Promise<unknown> {
    if (peer === undefined) throw gone(state === 'closed' ? 'was left' : 'is not there');
    const result = await peer.call(method, args);
    if (method === 'subscribe') subscribed = true;
    return result;
  }

  const deadline = performance.now() + timeout;
  for (let delay: number = retry.first; ; delay = Math.min(delay * 2, retry.longest)) {
    try {
      await open();
      break;
    } catch (error) {
      if (performance.now() + delay > deadline) throw new LabFailure('control-plane-gone', `The control plane at ${address.host}:${address.port} did not answer within ${timeout} ms.`, { cause: error });
      await new Promise((done) => setTimeout(done, delay));
    }
  }

  const api = Object.fromEntries(methods.map((method) => [method, (...args: unknown[]) => call(method, args)])) as unknown as ControlApi;
  return {
    ...api,
    get state() { return state; },
    on: (event, listener) => {
      listeners[event].add(listener as (event: never) => void);
      return () => listeners[event].delete(listener as (event: never) => void);
    },
    onState: (listener) => {
      stateListeners.add(listener);
      return () => stateListeners.delete(listener);
    },
    close: () => {
      setState('closed');
      clearTimeout(timer);
      peer?.close();
    },
  };
}

/** Opens TLS and checks that the far end is this mesh's control plane. */
function handshake({ host, port, root }: ControlAddress): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host, port, servername: serverName, ca: root, minVersion: 'TLSv1.3' });
    const timer = setTimeout(() => socket.destroy(new Error('the TLS handshake took too long')), handshakeTimeout);
    socket.once('error', reject);
    socket.once('close', () => {
      clearTimeout(timer);
      reject(new Error('the connection was closed'));
    });
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      socket.setNoDelay(true);
      socket.setKeepAlive(true, 15_000);
      resolve(socket);
    });
  });
}

async function within<T>(promise: Promise<T>, milliseconds: number, failure: LabFailure): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([promise, new Promise<never>((_, reject) => { timer = setTimeout(() => reject(failure), milliseconds); })]);
  } finally {
    clearTimeout(timer);
  }
}
