import { Readable } from 'node:stream';
import type { Pack } from 'tar-stream';

/** A tar being packed, as one of Node's streams: waits for its reader and passes errors on. */
export function readable(tar: Pack): Readable {
  return Readable.from(tar as AsyncIterable<Buffer>, { objectMode: false });
}
