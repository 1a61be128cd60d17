import { defineConfig } from 'vitest/config';

/**
 * Unit and integration tests; `test/e2e` needs an engine or a browser and runs one file at a time.
 * On CI a test that fails is run once more, because real sockets and containers share a small machine; the closing report names each that needed it.
 */
const retry = process.env['CI'] === 'true' ? 1 : 0;

export default defineConfig({
  test: {
    reporters: ['default', new URL('./reporter.ts', import.meta.url).pathname],
    root: new URL('..', import.meta.url).pathname,
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/**/*.test.{ts,tsx}'], exclude: ['test/e2e/**'], testTimeout: 20_000, retry } },
      { extends: true, test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], fileParallelism: false, testTimeout: 120_000, hookTimeout: 180_000, retry } },
    ],
  },
});
