import { start } from '../../src/controlplane/main.ts';
import type { ControlPlaneSettings } from '../../src/contract/index.ts';

/** What the bench tells the process of the control plane. */
export type ToControl = { readonly start: ControlPlaneSettings } | { readonly usage: true };

/** What it answers: its port; or its processor time so far, and its memory after a collection. Megabytes of 10^6 bytes. */
export type FromControl = { readonly port: number } | { readonly cpu_ms: number; readonly heap_mb: number; readonly rss_mb: number };

process.on('message', (message: ToControl) => {
  if ('usage' in message) {
    const { user, system } = process.cpuUsage();
    globalThis.gc?.();
    const { heapUsed, rss } = process.memoryUsage();
    tell({ cpu_ms: Math.round((user + system) / 1000), heap_mb: Math.round(heapUsed / 1e6), rss_mb: Math.round(rss / 1e6) });
    return;
  }
  start(message.start, { host: '127.0.0.1', port: 0, metricsPort: 0, discoveryPort: 0, log: () => undefined }).then(({ port }) => tell({ port }), (error: unknown) => { throw error; });
});
process.on('disconnect', () => process.exit());

function tell(message: FromControl): void {
  process.send?.(message);
}
