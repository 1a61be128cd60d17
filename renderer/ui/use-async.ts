import { useCallback, useEffect, useRef, useState } from 'react';

/** What came of asking for something. `value` stays while it is asked for again. */
export interface Asked<Value> {
  readonly state: 'loading' | 'done' | 'failed';
  readonly value: Value | undefined;
  readonly error: unknown;
  readonly again: () => void;
}

/** Asks whenever `key` changes (and on `again()`); answers that come late are dropped. */
export function useAsync<Value>(ask: () => Promise<Value>, key: string): Asked<Value> {
  const [result, setResult] = useState<{ readonly state: Asked<Value>['state']; readonly value: Value | undefined; readonly error: unknown }>({ state: 'loading', value: undefined, error: undefined });
  const [round, setRound] = useState(0);
  const latest = useRef(ask);
  useEffect(() => { latest.current = ask; });
  useEffect(() => {
    let current = true;
    setResult(({ value }) => ({ state: 'loading', value, error: undefined }));
    latest.current().then(
      value => { if (current) setResult({ state: 'done', value, error: undefined }); },
      (error: unknown) => { if (current) setResult(({ value }) => ({ state: 'failed', value, error })); },
    );
    return () => { current = false; };
  }, [key, round]);
  const again = useCallback(() => setRound(count => count + 1), []);
  return { ...result, again };
}
