import '@xterm/xterm/css/xterm.css';
import { Button, Select } from '@mantine/core';
import { FitAddon } from '@xterm/addon-fit';
import { Terminal, type ITheme } from '@xterm/xterm';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { toLabError, type LabApi, type LabError, type PodStatus } from '../../../src/contract/index.ts';
import { useApi, useLabName, useOnStream } from '../../lab/index.ts';
import { FailedState } from '../../ui/index.ts';
import { podKey } from './pods-view.tsx';
import styles from './pods.module.css';

/** A shell in one of the pod's containers. */
export function TerminalPanel({ pod }: { readonly pod: PodStatus }): ReactNode {
  const names = pod.containers.map(container => container.name);
  const [container, setContainer] = useState(names[0] ?? '');
  const [round, setRound] = useState(0);
  const [ended, setEnded] = useState<{ readonly exitCode?: number } | undefined>();
  const [error, setError] = useState<LabError>();
  const box = useRef<HTMLDivElement>(null);
  useTerminal({ box, pod: podKey(pod), container, round, onEnd: setEnded, onError: setError });
  const again = (): void => { setEnded(undefined); setError(undefined); setRound(count => count + 1); };
  return (
    <div className={styles.panel}>
      <div className={styles.tools}>
        <Select aria-label="Container" data={names} value={container} onChange={value => { setContainer(value ?? container); again(); }} allowDeselect={false} w={150} />
        <span className={styles.muted}>{ended === undefined ? 'Keys go to the container.' : `The shell ended${ended.exitCode === undefined ? '' : ` with ${ended.exitCode}`}.`}</span>
        {ended !== undefined && <Button variant="default" onClick={again}>Open another</Button>}
      </div>
      {error === undefined ? <div ref={box} className={styles.terminal} data-typing aria-label={`Terminal in ${container}`} /> : <FailedState error={error} retry={again} />}
    </div>
  );
}

interface Options {
  readonly box: { readonly current: HTMLDivElement | null };
  readonly pod: string;
  readonly container: string;
  readonly round: number;
  readonly onEnd: (end: { readonly exitCode?: number }) => void;
  readonly onError: (error: LabError) => void;
}

/** The best shell that the container has. */
const shell = ['sh', '-c', 'if command -v bash >/dev/null 2>&1; then exec bash; else exec sh; fi'];

function useTerminal({ box, pod, container, round, onEnd, onError }: Options): void {
  const api = useApi();
  const lab = useLabName();
  const onStream = useOnStream();
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const terminal = new Terminal({ fontFamily: getComputedStyle(element).getPropertyValue('--mono'), fontSize: 12, cursorBlink: false, scrollback: 5000, allowProposedApi: false, theme: themeOf(element) });
    const fit = new FitAddon();
    terminal.loadAddon(fit);
    terminal.open(element);
    fit.fit();
    const session = openShell({ api, lab, pod, container, terminal, onStream, onEnd, onError });
    const observer = new ResizeObserver(() => fit.fit());
    observer.observe(element);
    const repaint = new MutationObserver(() => { terminal.options.theme = themeOf(element); });
    repaint.observe(document.documentElement, { attributeFilter: ['data-mantine-color-scheme'] });
    terminal.focus();
    return () => {
      observer.disconnect();
      repaint.disconnect();
      session.close();
      terminal.dispose();
    };
  }, [api, lab, pod, container, round, onStream, box, onEnd, onError]);
}

/** The colours that are in force. */
function themeOf(element: HTMLElement): ITheme {
  const style = getComputedStyle(element);
  const color = (token: string): string => style.getPropertyValue(token).trim();
  return { background: color('--ground'), foreground: color('--text'), cursor: color('--accent'), cursorAccent: color('--ground'), selectionBackground: `${color('--accent')}55` };
}

interface Session extends Pick<Options, 'pod' | 'container' | 'onEnd' | 'onError'> {
  readonly api: LabApi;
  readonly lab: string;
  readonly terminal: Terminal;
  readonly onStream: ReturnType<typeof useOnStream>;
}

/** Joins a terminal with a shell; what is typed before it is there waits for it. */
function openShell({ api, lab, pod, container, terminal, onStream, onEnd, onError }: Session): { close(): void } {
  let stream: string | undefined;
  let gone = false;
  const early: Parameters<Parameters<typeof onStream>[0]>[0][] = [];
  const hear = (event: (typeof early)[number]): void => {
    if (stream === undefined) { early.push(event); return; }
    if (event.stream !== stream) return;
    if (event.data !== undefined) terminal.write(event.data);
    if (event.end !== undefined) onEnd(event.end);
  };
  const failed = (cause: unknown): void => { if (!gone) onError(toLabError(cause)); };
  const stop = onStream(hear);
  const closeStream = (id: string): void => { api.close({ stream: id }).catch(() => undefined); };
  const typed = terminal.onData(data => { if (stream !== undefined) api.write({ stream, data }).catch(failed); });
  const sized = terminal.onResize(({ cols, rows }) => { if (stream !== undefined) api.resize({ stream, columns: cols, rows }).catch(() => undefined); });
  api.exec({ lab, pod, container, command: shell, tty: true, columns: terminal.cols, rows: terminal.rows }).then(id => {
    if (gone) { closeStream(id); return; }
    stream = id;
    for (const event of early.splice(0)) hear(event);
  }, failed);
  return {
    close() {
      gone = true;
      stop();
      typed.dispose();
      sized.dispose();
      if (stream !== undefined) closeStream(stream);
    },
  };
}
