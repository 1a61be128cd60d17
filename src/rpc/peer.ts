import { createBirpc } from 'birpc';
import { LabFailure, toLabError, type LabError } from '../contract/index.ts';
import type { Channel } from './channel.ts';

/** Looks up what a remote caller may call; `undefined` refuses. */
export type Resolve = (name: string) => ((...args: readonly unknown[]) => unknown) | undefined;

/** One end of an RPC connection. */
export interface Peer {
  call(method: string, args: readonly unknown[]): Promise<unknown>;
  /** Sends without waiting for an answer. */
  event(method: string, args: readonly unknown[]): void;
  close(error?: LabFailure): void;
}

export interface PeerOptions {
  readonly resolve: Resolve;
  /** Milliseconds to wait for an answer; -1 for ever. */
  readonly timeout: number;
  /** Why calls fail when the channel has closed. */
  readonly gone: () => LabFailure;
}

/** birpc's messages: `q` a request (`i` absent: an event), `s` an answer. */
type Message =
  | { readonly t: 'q'; readonly m: string; readonly a: readonly unknown[]; readonly i?: string }
  | { readonly t: 's'; readonly i: string; readonly r?: unknown; readonly e?: unknown };

/**
 * Connects birpc to a channel, hardened: malformed messages close the channel, only what `resolve` gives can be called,
 * and errors cross as LabError with their code.
 */
export function createPeer(channel: Channel, options: PeerOptions): Peer {
  const refuse = (name: string) => (): never => { throw new LabFailure('usage', `There is no method “${name}”.`); };
  let failure: LabFailure | undefined;
  const rpc = createBirpc<Record<string, (...args: unknown[]) => unknown>, object, false>({}, {
    proxify: false,
    timeout: options.timeout,
    post: (message: string) => channel.send(message),
    on: (receive: (message: Message) => unknown) => channel.onMessage((text) => {
      const message = parse(text);
      if (message === undefined) channel.close();
      else void receive(message);
    }),
    serialize: (message: Message) => JSON.stringify(message.t === 's' && message.e !== undefined ? { ...message, e: toLabError(message.e) } : message),
    resolver: (name: string) => (options.resolve(name) ?? refuse(name)) as (...args: unknown[]) => unknown,
    onTimeoutError: (method: string) => { throw new LabFailure('timeout', `“${method}” was not answered within ${options.timeout} ms.`); },
    // An answer that cannot be serialised is a bug of ours: the caller hears `internal`, the connection stays.
    onGeneralError: (_error: Error, _method?: string, args?: unknown[]) => args !== undefined,
  });
  const close = (error: LabFailure): void => {
    if (failure !== undefined) return;
    failure = error;
    rpc.$close(error);
    channel.close();
  };
  channel.onClose(() => close(options.gone()));
  return {
    call: async (method, args) => {
      if (failure !== undefined) throw failure;
      try {
        return await rpc.$call(method, ...args);
      } catch (error) {
        throw fromWire(error);
      }
    },
    event: (method, args) => { if (failure === undefined) void rpc.$callEvent(method, ...args); },
    close: (error) => close(error ?? options.gone()),
  };
}

/** An error as the far end sent it becomes a LabFailure again. */
function fromWire(error: unknown): unknown {
  if (error instanceof Error) return error;
  const { code, message, help, diagnostics } = error as LabError;
  return new LabFailure(code, message, { ...(help === undefined ? {} : { help }), ...(diagnostics === undefined ? {} : { diagnostics }) });
}

function parse(text: string): Message | undefined {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof message !== 'object' || message === null) return undefined;
  const { t, m, a, i } = message as { readonly [key: string]: unknown };
  if (t === 'q' && typeof m === 'string' && Array.isArray(a) && (i === undefined || typeof i === 'string')) return { t, m, a, ...(i === undefined ? {} : { i }) };
  return t === 's' && typeof i === 'string' ? (message as Message) : undefined;
}
