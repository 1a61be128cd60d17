import { defineConfig } from 'vitest/config';

/** What takes long to prove: run by `npm run soak`, one file at a time; `npm test` has a short form of each. */
export default defineConfig({
  test: {
    reporters: ['verbose'],
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/soak/**/*.soak.ts'],
    fileParallelism: false,
    testTimeout: 3_600_000,
    hookTimeout: 120_000,
  },
});
