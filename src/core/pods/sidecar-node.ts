/**
 * How Node runs a sidecar. Many of them share a machine, most of the time idle: garbage is collected on one thread (helpers would take cores that others need), and pools that
 * wait for work are as small as they can be. What requests leave behind dies young, however many of them a collection finds alive: none of it is put among the old beforehand,
 * where it would cost a full collection (`--no-allocation-site-pretenuring`); a nursery of less than 16 MB costs throughput. Two threads look names up, so that
 * one name that does not answer holds up nothing else. Public root certificates are decoded by the sidecar that needs them, not by each (`--use-openssl-ca`).
 */
export const sidecarNode = {
  flags: ['--max-semi-space-size=16', '--no-allocation-site-pretenuring', '--single-threaded-gc', '--v8-pool-size=1', '--use-openssl-ca'],
  env: { MALLOC_ARENA_MAX: '1', UV_THREADPOOL_SIZE: '2' },
} as const;
