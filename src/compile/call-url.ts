/** A URL taken apart; this layer knows no `URL`. */
export interface CallUrl {
  readonly scheme: 'http' | 'https' | 'tcp';
  /** Host with port as written; empty for a path alone. */
  readonly authority: string;
  readonly host: string;
  /** The port written, else the scheme's; 0 when there is none. */
  readonly port: number;
  /** Path with query; `/` when none is written. */
  readonly path: string;
}

const defaultPorts = { http: 80, https: 443, tcp: 0 } as const;

/** Reads `http://reviews:9080/reviews/0`, `reviews:9080/x`, or `/productpage`. */
export function parseCallUrl(url: string): CallUrl {
  const [, written, rest = ''] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(url) ?? [];
  const scheme = written?.toLowerCase() === 'https' ? 'https' : written?.toLowerCase() === 'tcp' ? 'tcp' : 'http';
  const slash = rest.search(/[/?#]/);
  const authority = slash < 0 ? rest : rest.slice(0, slash);
  const tail = slash < 0 ? '/' : rest.slice(slash).replace(/#.*$/s, '');
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(authority) ?? [];
  return { scheme, authority, host: host.replace(/^\[|\]$/g, '').toLowerCase(), port: port === undefined ? defaultPorts[scheme] : Number(port), path: tail.startsWith('/') ? tail : `/${tail}` };
}
