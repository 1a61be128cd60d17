/** The images of the lab's containers: made once, found by content afterwards. */
export type { BundleSource } from './bundle.ts';
export type { MakeOptions } from './base.ts';
export { contentLabel, imageLabel } from './recipe.ts';
export { pullWithin, registryOf, rememberRegistries, type Registry } from './registry.ts';
export { ensureImage, type RuntimeImage } from './runtime.ts';
