import type { UpstreamState } from '../../contract/index.ts';
import type { Clock } from '../hooks.ts';
import type { UpstreamCluster } from '../runtime.ts';

/** What telling of upstream clusters needs. */
export interface UpstreamReport {
  readonly clock: Clock;
  clusters(): Iterable<Pick<UpstreamCluster, 'state'>>;
  /** Whether the control plane is there. */
  connected(): boolean;
  send(upstreams: readonly UpstreamState[]): void;
}

const interval = 250;

/** Looks at the clusters four times a second and sends all that is to be shown of them when any of it has changed. */
export function reportUpstreams({ clock, clusters, connected, send }: UpstreamReport): { again(): void; stop(): void } {
  let said = '[]';
  let cancel: () => void = () => undefined;
  const look = (): void => {
    cancel = clock.after(interval, look);
    if (!connected()) return;
    const states = [...clusters()].map((cluster) => cluster.state()).filter((state) => state !== undefined);
    const text = JSON.stringify(states);
    if (text === said) return;
    said = text;
    send(states);
  };
  cancel = clock.after(interval, look);
  return {
    /** To a control plane that knows nothing yet. */
    again() { said = '[]'; },
    stop() { cancel(); },
  };
}
