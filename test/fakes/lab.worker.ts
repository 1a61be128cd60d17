import { config } from 'zod';
import { pipeChannel, serveLabApi } from '../../src/rpc/index.ts';
import { createFakeLab } from './lab.ts';

// As in the page: the policy forbids `new Function`.
config({ jitless: true });

/** The first message says how to play, the rest is the RPC's. */
self.addEventListener('message', ({ data: query }: MessageEvent<string>) => {
  const options = new URLSearchParams(query);
  const number = (key: string): number | undefined => (options.has(key) ? Number(options.get(key)) : undefined);
  const [nodes, rps] = [number('nodes'), number('rps')];
  const { lab } = createFakeLab({ ...(rps === undefined ? {} : { rps }), ...(nodes === undefined ? {} : { size: { nodes, edges: number('edges') ?? nodes * 3 } }), empty: options.has('empty'), ejected: options.has('ejected'), ...(options.has('broken') ? { broken: options.get('broken') ?? undefined } : {}) });
  serveLabApi(lab, pipeChannel({
    send: message => self.postMessage(message),
    onMessage: listener => self.addEventListener('message', ({ data }: MessageEvent<unknown>) => listener(data)),
    onClose: () => undefined,
  }));
}, { once: true });
