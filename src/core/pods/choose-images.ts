import { LabFailure } from '../../contract/index.ts';
import { standInFor, type StandIn } from '../../workloads/catalog.ts';
import type { Engine, ImageInfo } from '../docker/index.ts';
import { pullWithin, type Registry } from '../images/index.ts';

/** Where images come from: `auto` pulls and falls back on stand-ins. */
export type ImageMode = 'auto' | 'pull' | 'stand-in';

/** What runs for an image of the manifests. */
export type ImageChoice =
  | { readonly kind: 'image'; readonly info: ImageInfo }
  | { readonly kind: 'stand-in'; readonly standIn: StandIn }
  | { readonly kind: 'none'; readonly why: string };

/** What choosing needs. */
export interface ChooseOptions {
  readonly mode: ImageMode;
  readonly registry: Registry;
  /** Images whose stand-ins run in this lab already: with `auto` they go on, so that no registry is asked again. */
  readonly standing?: ReadonlySet<string>;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((text: string) => void) | undefined;
}

/** How many images are pulled at once. */
const atOnce = 3;

/** Decides for each image whether it runs itself (pulled when it is not there) or a stand-in does; never rejects for an image that cannot be had. */
export async function chooseImages(engine: Engine, images: readonly string[], options: ChooseOptions): Promise<ReadonlyMap<string, ImageChoice>> {
  const chosen = new Map<string, ImageChoice>();
  const queue = [...new Set(images)];
  const work = async (): Promise<void> => {
    for (let image = queue.shift(); image !== undefined; image = queue.shift()) chosen.set(image, await choose(engine, image, options));
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return chosen;
}

async function choose(engine: Engine, image: string, options: ChooseOptions): Promise<ImageChoice> {
  const standIn = standInFor(image);
  if (options.mode === 'stand-in' && standIn !== undefined) return { kind: 'stand-in', standIn };
  if (!/^[a-zA-Z0-9][\w.:/@-]{0,511}$/.test(image)) return { kind: 'none', why: `“${image.slice(0, 100)}” is not an image reference.` };
  const here = await engine.image(image);
  if (here !== undefined) return { kind: 'image', info: here };
  if (standIn !== undefined && options.mode === 'auto' && options.standing?.has(image) === true) return { kind: 'stand-in', standIn };
  try {
    options.onProgress?.(`pulling ${image}`);
    await pullWithin(engine, image, options.registry, { signal: options.signal, onProgress: (text) => options.onProgress?.(`${image}: ${text}`) });
    const info = await engine.image(image);
    if (info !== undefined) return { kind: 'image', info };
    return { kind: 'none', why: `${image} was pulled but is not there.` };
  } catch (error) {
    if (!(error instanceof LabFailure) || (error.code !== 'image-unavailable' && error.code !== 'internal')) throw error;
    return standIn !== undefined && options.mode === 'auto' ? { kind: 'stand-in', standIn } : { kind: 'none', why: error.message };
  }
}
