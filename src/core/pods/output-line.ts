import { LabFailure } from '../../contract/index.ts';
import type { Engine } from '../docker/index.ts';

/** Waits until a container prints a line; resolves with what it printed instead when it has not within `patience` (milliseconds), with `undefined` when it has. Rejects with `cancelled`. */
export async function saysReady(engine: Engine, id: string, line: string, { since, patience }: { readonly since: number; readonly patience: number }, signal?: AbortSignal): Promise<string | undefined> {
  const logs = await engine.logs(id, { tail: 1000, follow: true, since });
  const stop = (): void => { logs.close(); };
  const timer = setTimeout(stop, patience);
  signal?.addEventListener('abort', stop, { once: true });
  let text = '';
  try {
    for await (const chunk of logs.output) {
      text += String(chunk);
      if (text.includes(line)) return undefined;
    }
  } catch (error) {
    if (signal?.aborted !== true && (error as { code?: string }).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
    logs.close();
  }
  if (signal?.aborted === true) throw new LabFailure('cancelled', 'Cancelled.');
  return text;
}
