/** Slices of a wait; each may be cut short by one turn in which the process was busy. */
const slices = 20;

/**
 * Calls once `ms` milliseconds have gone by in which this process could have listened; returns how to call it off.
 * A turn that takes long, as a compile of a big mesh does, counts for one slice: nobody is late because the process had no time to read what they said.
 */
export function patience(ms: number, run: () => void): () => void {
  let left = slices;
  let timer: NodeJS.Timeout;
  const wait = (): void => {
    if (left-- === 0) run();
    else timer = setTimeout(wait, ms / slices);
  };
  timer = setTimeout(wait, 0);
  return () => clearTimeout(timer);
}
