import type { Lab, LabEvents } from '../../../src/contract/index.ts';

/**
 * A core that knows of no lab but one: the sample starts under that name, with stand-ins, and labs of others on the same
 * engine are neither shown nor in the way. The rest is the core as it is.
 */
export function alone(core: Lab, name: string, sample: string): Lab {
  const mine = (lab: string): boolean => lab === name;
  const seen = {
    labs: async () => (await core.labs({})).filter((lab) => mine(lab.name)),
    samples: async () => (await core.samples({})).map((each) => (each.name === sample ? { ...each, name } : each)),
    up: (request) => core.up({ ...request, images: 'stand-in', ...(request.sample === name ? { sample } : {}) }),
    on: (event, listener) => core.on(event, ((value: never) => { pass(event, value, listener as (value: unknown) => void, mine); }) as typeof listener),
  } satisfies Partial<Lab>;
  return new Proxy(core, { get: (target, key) => (Object.hasOwn(seen, key) ? seen[key as keyof typeof seen] : Reflect.get(target, key) as unknown) });
}

function pass(event: keyof LabEvents, value: unknown, listener: (value: unknown) => void, mine: (lab: string) => boolean): void {
  if (event === 'labs') listener((value as readonly { readonly name: string }[]).filter((lab) => mine(lab.name)));
  else if (event !== 'operation' || mine((value as { readonly lab: string }).lab)) listener(value);
}
