/** What the first bytes of a plaintext connection say about HTTP; `more` while they may still become it. */
export type HttpGuess = 'http/1.1' | 'http/1.0' | 'h2c' | 'no' | 'more';

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'PROPFIND', 'PROPPATCH', 'MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK', 'REPORT', 'SEARCH', 'PURGE'];
const longestLine = 8192;

/**
 * Guesses as Envoy's HTTP inspector does: the HTTP/2 preface, or a request line of a known method that ends in `HTTP/1.x`.
 * Decides as early as the bytes allow, so that another protocol is not kept waiting.
 */
export function guessHttp(bytes: Buffer): HttpGuess {
  const text = bytes.toString('latin1', 0, longestLine);
  if (text.startsWith(preface)) return 'h2c';
  if (preface.startsWith(text)) return 'more';
  const space = text.indexOf(' ');
  if (space < 0) return methods.some((method) => method.startsWith(text)) ? 'more' : 'no';
  if (!methods.includes(text.slice(0, space))) return 'no';
  const end = text.indexOf('\n');
  if (end < 0) return bytes.length >= longestLine ? 'http/1.1' : 'more';
  const version = / HTTP\/1\.([01])\r?$/.exec(text.slice(0, end))?.[1];
  return version === undefined ? 'no' : version === '1' ? 'http/1.1' : 'http/1.0';
}
