import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** Features that need nothing of the sidecar beyond routing and its listeners, and those whose rules show in another's panel. */
const withoutHook = new Set(['routing', 'gateway', 'service-entry', 'tcp-routing', 'envoy-filter']);

describe('a feature is a folder', () => {
  for (const name of readdirSync('src/features')) {
    it(`${name} has the same rooms as the others`, () => {
      const missing = [
        ...['manifest.ts', 'compile.ts'].map((file) => `src/features/${name}/${file}`),
        `test/features/${name}.test.ts`,
        `renderer/features/${name}/panel.tsx`,
      ].filter((file) => !existsSync(file));
      expect(missing).toEqual([]);
      const hook = ['filter.ts', 'cluster.ts', 'transport.ts'].some((file) => existsSync(`src/features/${name}/${file}`));
      expect(hook || withoutHook.has(name)).toBe(true);
    });
  }
});
