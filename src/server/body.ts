import type { IncomingMessage } from 'node:http';
import { LabFailure } from '../contract/index.ts';

/** Reads a JSON body of at most `limit` bytes. Fails with `usage` when it is longer or not JSON. */
export async function readJson(request: IncomingMessage, limit: number): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw new LabFailure('usage', `The body is longer than ${limit} bytes.`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch (cause) {
    throw new LabFailure('usage', 'The body is not JSON.', { cause });
  }
}
