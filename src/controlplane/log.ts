/** Writes one line to the control plane's log. */
export type Log = (line: string) => void;
