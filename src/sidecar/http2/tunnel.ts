import type { Body, BodySink } from '../hooks.ts';
import type { Link } from '../link/index.ts';

/**
 * What an upgraded connection says, as the body of an answer; what the caller says goes the other way once that body is read. Both have their own
 * back pressure and end. Source: RFC 8441 section 5.
 */
export function tunnel(link: Link, request: Body): Body {
  return {
    length: undefined, ready: undefined,
    pipe(sink) {
      const once = ending(sink);
      link.read({
        borrows: true,
        data: (chunk) => { if (!sink.data(chunk)) link.pause(); },
        end: () => { once(undefined); },
        drain: () => { request.resume(); },
        close: once,
      });
      request.pipe({ borrows: true, data: (chunk) => link.pass(chunk), end: () => { link.end(); }, error: () => { link.destroy(); } });
      link.resume();
    },
    resume: () => { link.resume(); },
    cancel: () => { link.destroy(); },
  };
}

/** Ends the sink once: in order, or with what the link says went wrong. */
function ending(sink: BodySink): (errorCode: string | undefined) => void {
  let over = false;
  return (errorCode) => {
    if (over) return;
    over = true;
    if (errorCode === undefined) sink.end(undefined);
    else sink.error(errorCode);
  };
}
