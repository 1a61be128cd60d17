import { ConnectionError, errorCode } from './protocol.ts';

/** Envoy's defaults. */
const limits = { emptyFrames: 1, priorityPerStream: 100, windowUpdatesPerData: 10, resetsAfter: 500, youngStreamMs: 1000 } as const;

/** Counts what a peer may send at next to no cost to itself; throws when it is out of all proportion. Source: Envoy, config.core.v3.Http2ProtocolOptions and "premature reset". */
export class FloodGuard {
  #streams = 0;
  #empty = 0;
  #priorities = 0;
  #windowUpdates = 0;
  #dataSent = 0;
  #youngResets = 0;

  opened(): void {
    this.#streams++;
  }

  /** HEADERS, CONTINUATION or DATA; `useless`: without payload and not the end of anything. */
  content(useless: boolean): void {
    if (!useless) this.#empty = 0;
    else if (++this.#empty > limits.emptyFrames) throw flood('http2.inbound_empty_frames_flood');
  }

  priority(): void {
    if (++this.#priorities > limits.priorityPerStream * (1 + this.#streams)) throw flood('http2.inbound_priority_frames_flood');
  }

  windowUpdate(): void {
    if (++this.#windowUpdates > 5 + 2 * (this.#streams + limits.windowUpdatesPerData * this.#dataSent)) throw flood('http2.inbound_window_update_frames_flood');
  }

  dataSent(): void {
    this.#dataSent++;
  }

  /** A stream was reset, by the peer or because of what it sent, so many milliseconds after it was opened. */
  reset(age: number): void {
    if (age >= limits.youngStreamMs) return;
    this.#youngResets++;
    if (this.#streams >= limits.resetsAfter && this.#youngResets * 2 > this.#streams) throw flood('http2.premature_resets');
  }
}

function flood(details: string): ConnectionError {
  return new ConnectionError(errorCode.enhanceYourCalm, details);
}
