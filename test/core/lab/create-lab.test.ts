import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import type { Backend, ContainerStream } from '../../../src/core/lab/backend.ts';
import { createCore, type Core } from '../../../src/core/lab/index.ts';

/** A core whose engine has logs and nothing else. */
function play(): { readonly core: Core; readonly closed: string[] } {
  const closed: string[] = [];
  const logs = (_lab: string, pod: string): Promise<ContainerStream> => Promise.resolve({ output: new PassThrough(), close: () => { closed.push(pod); } });
  const refuse = (): never => { throw new Error('not played'); };
  const backend = new Proxy({ logs } as unknown as Backend, { get: (target, name) => Reflect.get(target, name) ?? refuse });
  return { core: createCore({ backend, samples: refuse, load: refuse, tutorials: refuse }), closed };
}

it('ends one stream when asked for one, and all when it stops', async () => {
  const { core, closed } = play();
  const [first] = [await core.logs({ lab: 'a', pod: 'default/one' }), await core.logs({ lab: 'a', pod: 'default/two' })];
  await core.close({ stream: first });
  expect(closed).toEqual(['default/one']);
  await core.stop();
  expect(closed).toContain('default/two');
});
