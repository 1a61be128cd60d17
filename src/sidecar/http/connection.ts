import type { Link } from '../link/index.ts';
import type { HttpConnectionContext } from '../runtime.ts';

/** A downstream connection that is being served. */
export interface HttpConnection {
  /** Finishes the request that is under way, then closes; idle connections close at once. */
  drain(): void;
  destroy(): void;
}

/** Serves HTTP on a connection whose filter chain has been chosen: the HTTP connection manager. Takes the link over. */
export function serveHttp(link: Link, context: HttpConnectionContext): HttpConnection {
  void context;
  return { drain: () => link.end(), destroy: () => link.destroy() };
}
