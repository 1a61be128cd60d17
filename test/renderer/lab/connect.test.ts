import { describe, expect, it } from 'vitest';
import { takeToken } from '../../../renderer/lab/connect.ts';

function host(hash: string, kept?: string) {
  const session = new Map<string, string>(kept === undefined ? [] : [['weft-token', kept]]);
  const urls: string[] = [];
  return {
    urls, session,
    host: {
      location: { protocol: 'http:', host: '127.0.0.1:1', hash, pathname: '/', search: '' },
      session: { getItem: (key: string) => session.get(key) ?? null, setItem: (key: string, value: string) => { session.set(key, value); } },
      replaceUrl: (url: string) => { urls.push(url); },
    },
  };
}

describe('the key of the page', () => {
  it('moves from the URL to the session at once', () => {
    const { host: page, urls, session } = host('#token=secret');
    expect(takeToken(page)).toBe('secret');
    expect(urls).toEqual(['/']);
    expect(session.get('weft-token')).toBe('secret');
  });

  it('is found again after a reload', () => {
    const { host: page, urls } = host('', 'secret');
    expect(takeToken(page)).toBe('secret');
    expect(urls).toEqual([]);
  });
});
