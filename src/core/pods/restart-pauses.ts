/** Milliseconds: after the first restart, at most, and how long a container must have run for its past to be forgotten. Source: kubernetes.io, "Pod Lifecycle", restart policy. */
const pauses = { first: 10_000, longest: 300_000, forgotten: 600_000 };

/** Keeps a container that fails again and again from being restarted all the time: the first restart comes at once, the next ones after 10 s, 20 s and so on up to five minutes. */
export class RestartPauses {
  readonly #past = new Map<string, { readonly count: number; readonly at: number }>();

  /** Whether a container may be restarted now. `now` is in milliseconds. */
  due(id: string, now: number): boolean {
    const past = this.#past.get(id);
    return past === undefined || now - past.at >= Math.min(pauses.first * 2 ** (past.count - 1), pauses.longest);
  }

  restarted(id: string, now: number): void {
    const past = this.#past.get(id);
    this.#past.set(id, { count: past === undefined || now - past.at >= pauses.forgotten ? 1 : past.count + 1, at: now });
  }
}
