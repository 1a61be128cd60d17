import { randomUUID } from 'node:crypto';
import { StringDecoder } from 'node:string_decoder';
import { LabFailure } from '../../contract/index.ts';
import type { ContainerStream } from './backend.ts';
import type { Hub } from './hub.ts';

/** Open logs and terminals, by id. */
export interface Streams {
  open(stream: ContainerStream): string;
  write(id: string, data: string): void;
  resize(id: string, columns: number, rows: number): Promise<void>;
  close(id: string): void;
  closeAll(): void;
}

/** While a listener is slow the engine's stream waits: chunks are handed over one turn at a time. */
export function createStreams(hub: Hub): Streams {
  const all = new Map<string, ContainerStream>();
  const find = (id: string): ContainerStream => {
    const found = all.get(id);
    if (found === undefined) throw new LabFailure('not-found', `There is no stream ${id}; it may have ended.`);
    return found;
  };
  return {
    open(stream) {
      const id = randomUUID();
      all.set(id, stream);
      const decoder = new StringDecoder('utf8');
      const finish = (): void => {
        if (!all.delete(id)) return;
        const code = stream.exitCode?.() ?? Promise.resolve(undefined);
        code.catch(() => undefined).then((exitCode) => { hub.emit('stream', { stream: id, end: exitCode === undefined ? {} : { exitCode } }); }, () => undefined);
      };
      stream.output.on('data', (chunk: Buffer) => {
        const data = decoder.write(chunk);
        if (data !== '') hub.emit('stream', { stream: id, data });
      });
      stream.output.on('end', finish);
      stream.output.on('close', finish);
      stream.output.on('error', finish);
      return id;
    },
    write(id, data) {
      const { input } = find(id);
      if (input === undefined) throw new LabFailure('usage', 'A log takes no input.');
      input.write(data);
    },
    async resize(id, columns, rows) { await find(id).resize?.(columns, rows); },
    close(id) { find(id).close(); },
    closeAll() { for (const stream of all.values()) stream.close(); },
  };
}
