/**
 * A wire that carries whole messages (JSON text) in order, in both directions. Everything that RPC runs on is one of these:
 * a WebSocket, an Electron message port, NDJSON over a socket, a pair in memory.
 */
export interface Channel {
  /** Does nothing once the channel is closed. */
  send(message: string): void;
  onMessage(listener: (message: string) => void): void;
  /** Called once; at once when it is closed already. */
  onClose(listener: () => void): void;
  close(): void;
}

/** The least that a message pipe offers, e.g. a wrapped MessagePort or `ipcRenderer`. */
export interface Pipe {
  send(message: string): void;
  onMessage(listener: (message: unknown) => void): void;
  onClose(listener: () => void): void;
  close?(): void;
}

/** A channel over any pipe; what is not text is ignored. */
export function pipeChannel(pipe: Pipe): Channel {
  const closing = closeSignal();
  pipe.onClose(closing.fire);
  return {
    send: (message) => { if (!closing.fired()) pipe.send(message); },
    onMessage: (listener) => pipe.onMessage((message) => { if (typeof message === 'string' && !closing.fired()) listener(message); }),
    onClose: closing.listen,
    close: () => {
      pipe.close?.();
      closing.fire();
    },
  };
}

/** Two ends of a channel in memory. Messages arrive in a later microtask, as on a real wire. */
export function memoryChannels(): readonly [Channel, Channel] {
  const closing = closeSignal();
  const left = new Set<(message: string) => void>();
  const right = new Set<(message: string) => void>();
  const end = (mine: Set<(message: string) => void>, other: Set<(message: string) => void>): Channel => ({
    send: (message) => queueMicrotask(() => { if (!closing.fired()) for (const listener of other) listener(message); }),
    onMessage: (listener) => { mine.add(listener); },
    onClose: closing.listen,
    close: closing.fire,
  });
  return [end(left, right), end(right, left)];
}

/** Fires once; who listens later hears it at once. */
export function closeSignal(): { fire(): void; fired(): boolean; listen(listener: () => void): void } {
  let done = false;
  const listeners: (() => void)[] = [];
  return {
    fire: () => {
      if (done) return;
      done = true;
      for (const listener of listeners.splice(0)) listener();
    },
    fired: () => done,
    listen: (listener) => { if (done) listener(); else listeners.push(listener); },
  };
}
