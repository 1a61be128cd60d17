import { createRequire } from 'node:module';

/** A function of the C library. */
export type LibcFunction = (...values: readonly unknown[]) => unknown;

/** What is used of koffi's native part. */
interface Native { load(library: null): { func(signature: string): LibcFunction } }

/**
 * A function of the C library by its prototype, as koffi reads it. Linux with glibc only. koffi's native part is loaded alone: what its package
 * wraps around it finds the binary of the platform, which is known here, and takes 800 KB of each process.
 */
export function libcFunction(signature: string): LibcFunction {
  const platform = `linux-${process.arch}`;
  const native = createRequire(import.meta.url)(`@koromix/koffi-${platform}/${platform.replace('-', '_')}/koffi.node`) as Native;
  return native.load(null).func(signature);
}
