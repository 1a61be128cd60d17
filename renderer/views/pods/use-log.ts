import { useCallback, useEffect, useRef, useState } from 'react';
import { useApi, useLabName, useOnStream } from '../../lab/index.ts';

/** A log as it is read. */
export interface Log {
  readonly lines: readonly string[];
  readonly loading: boolean;
  readonly ended: boolean;
  readonly error: unknown;
  readonly clear: () => void;
  readonly again: () => void;
}

/** Lines that are kept; older ones are dropped. */
const kept = 5000;
const tail = 500;
/** Colours and cursor movements of terminals; a log shows words. */
const escapes = /\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|[\x00-\x08\x0b-\x1f\x7f]/g;

/** Follows a container's log while the view is there; what comes in one frame is shown at once. */
export function useLog(pod: string, container: string): Log {
  const api = useApi();
  const lab = useLabName();
  const onStream = useOnStream();
  const [lines, setLines] = useState<readonly string[]>([]);
  const [state, setState] = useState<{ readonly loading: boolean; readonly ended: boolean; readonly error: unknown }>({ loading: true, ended: false, error: undefined });
  const [round, setRound] = useState(0);
  const rest = useRef('');
  useEffect(() => {
    setLines([]);
    setState({ loading: true, ended: false, error: undefined });
    rest.current = '';
    let stream: string | undefined;
    let gone = false;
    let frame = 0;
    let pending: string[] = [];
    const flush = (): void => { frame = 0; const batch = pending; pending = []; setLines(old => [...old, ...batch].slice(-kept)); };
    const take = (text: string): void => {
      const parts = (rest.current + text).split('\n');
      rest.current = parts.pop() ?? '';
      pending.push(...parts.map(line => line.replace(escapes, '')));
      if (frame === 0) frame = requestAnimationFrame(flush);
    };
    const early: Parameters<Parameters<typeof onStream>[0]>[0][] = [];
    const hear = (event: (typeof early)[number]): void => {
      if (stream === undefined) { early.push(event); return; }
      if (event.stream !== stream) return;
      if (event.data !== undefined) take(event.data);
      if (event.end !== undefined) { if (rest.current !== '') take('\n'); setState({ loading: false, ended: true, error: undefined }); }
    };
    const stop = onStream(hear);
    const finish = (id: string): void => { api.close({ stream: id }).catch(() => undefined); };
    api.logs({ lab, pod, container, tail, follow: true }).then(id => {
      if (gone) { finish(id); return; }
      stream = id;
      setState({ loading: false, ended: false, error: undefined });
      for (const event of early.splice(0)) hear(event);
    }, (error: unknown) => { if (!gone) setState({ loading: false, ended: false, error }); });
    return () => {
      gone = true;
      stop();
      if (frame !== 0) cancelAnimationFrame(frame);
      if (stream !== undefined) finish(stream);
    };
  }, [api, lab, pod, container, round, onStream]);
  const clear = useCallback(() => setLines([]), []);
  const again = useCallback(() => setRound(count => count + 1), []);
  return { lines, ...state, clear, again };
}
