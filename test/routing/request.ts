import type { RequestFacts } from '../../src/routing/index.ts';

/** A request for tests. */
export function request(authority: string, path = '/', headers: Readonly<Record<string, string>> = {}, method = 'GET', scheme: 'http' | 'https' = 'http'): RequestFacts {
  return { method, path, authority, scheme, header: (name) => headers[name] };
}
