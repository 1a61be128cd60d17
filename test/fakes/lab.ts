import type { Connect } from '../../renderer/lab/connect.ts';

/** A connection to a lab that plays Bookinfo. */
export function connectFake(_options: URLSearchParams): Connect {
  return () => Promise.reject(new Error('The fake lab is not there yet.'));
}
