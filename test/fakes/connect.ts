import type { Connect } from '../../renderer/lab/connect.ts';
import { connectLabApi, pipeChannel } from '../../src/rpc/index.ts';

const lost = 'The connection to Weft was lost.';

/**
 * A connection to a fake lab as the URL asks for it: `?fake`, `&rps=300&nodes=40&edges=120`, `&empty`, `&state=lost|refused|loading`.
 * The lab plays in a worker and speaks the real RPC, so that the page does the work that it does in earnest, and no more.
 */
export function connectFake(options: URLSearchParams): Connect {
  const state = options.get('state');
  if (state === 'refused') return () => Promise.reject(new Error('Nothing answers at this address.'));
  if (state === 'loading') return () => new Promise(() => undefined);
  let tries = 0;
  return () => {
    tries += 1;
    if (state === 'lost' && tries > 1) return Promise.reject(new Error(lost));
    const worker = new Worker(new URL('./lab.worker.ts', import.meta.url), { type: 'module', name: 'fake-lab' });
    worker.postMessage(options.toString());
    const lab = connectLabApi(pipeChannel({
      send: message => worker.postMessage(message),
      onMessage: listener => worker.addEventListener('message', ({ data }) => listener(data)),
      onClose: () => undefined,
    }));
    const closed = state === 'lost'
      ? new Promise<{ retry: boolean; message: string }>(resolve => { setTimeout(() => { worker.terminate(); resolve({ retry: true, message: lost }); }, 4000); })
      : new Promise<{ retry: boolean; message: string }>(() => undefined);
    return Promise.resolve({ lab, closed, close: () => worker.terminate() });
  };
}
