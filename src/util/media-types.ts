const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  mjs: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  json: 'application/json; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  ico: 'image/x-icon',
  woff2: 'font/woff2',
  txt: 'text/plain; charset=utf-8',
};

/** The media type of a file of the renderer by its name; `undefined` for kinds that are never served. */
export function mediaType(path: string): string | undefined {
  return types[path.slice(path.lastIndexOf('.') + 1).toLowerCase()];
}

/**
 * The file below a folder that a URL path names, with forward slashes: `/` is `index.html`. `undefined` for anything that is not a plain
 * path of a kind that is served: dots that climb, backslashes, NUL, bad escapes, hidden files.
 */
export function servedPath(urlPath: string): string | undefined {
  const path = decode(urlPath);
  if (path === undefined || !path.startsWith('/')) return undefined;
  if (path === '/') return 'index.html';
  const segments = path.slice(1).split('/');
  if (segments.some((segment) => segment === '' || segment.startsWith('.') || /[\\\0:]/.test(segment))) return undefined;
  return mediaType(path) === undefined ? undefined : segments.join('/');
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
