import type { Clock } from '../hooks.ts';
import type { Link } from '../link/index.ts';
import { readClientHello } from './client-hello.ts';
import { guessHttp } from './http-inspector.ts';

/** What a connection shows by its first bytes; part of the facts that choose a filter chain. */
export interface Sniffed {
  readonly transportProtocol: 'raw_buffer' | 'tls';
  readonly serverName?: string;
  readonly applicationProtocols: readonly string[];
}

export interface SniffOptions {
  readonly tls: boolean;
  readonly http: boolean;
  readonly clock: Clock;
  /** How long a connection may say nothing at all before `silent` is asked; a server may have to speak first. */
  readonly silenceMs: number;
  /** How long all may take. */
  readonly timeoutMs: number;
  /** Asked once after `silenceMs` without a byte: true lets the connection go on as plaintext of no known protocol. */
  silent(): boolean;
}

const plain: Sniffed = { transportProtocol: 'raw_buffer', applicationProtocols: [] };
const mostBytes = 64 * 1024;
const anotherTurn = 1;

/**
 * Looks at the first bytes of a connection and puts them back. Resolves with `timeout` when they did not come in time, `closed` when the
 * connection ended before anything was known. Bytes may come one at a time.
 */
export function sniff(link: Link, options: SniffOptions): Promise<Sniffed | 'timeout' | 'closed'> {
  return new Promise((resolve) => {
    let bytes: Buffer = Buffer.alloc(0);
    let settled = false;
    const timers: (() => void)[] = [
      // Timers come before bytes that arrived while the process was busy: those get another turn to be read.
      options.clock.after(options.silenceMs, () => { timers.push(options.clock.after(anotherTurn, () => { if (bytes.length === 0 && options.silent()) finish(plain); })); }),
      options.clock.after(options.timeoutMs, () => { finish('timeout'); }),
    ];
    const finish = (outcome: Sniffed | 'timeout' | 'closed'): void => {
      if (settled) return;
      settled = true;
      for (const cancel of timers) cancel();
      link.pause();
      if (bytes.length > 0) link.unread(bytes);
      resolve(outcome);
    };
    link.read({
      data: (chunk) => {
        bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
        const known = decide(bytes, options);
        if (known !== undefined) finish(known);
        else if (bytes.length > mostBytes) finish(plain);
      },
      end: () => { finish(bytes.length === 0 ? 'closed' : plain); },
      drain: () => undefined,
      close: () => { finish('closed'); },
    });
  });
}

function decide(bytes: Buffer, { tls, http }: SniffOptions): Sniffed | undefined {
  if (tls) {
    const hello = readClientHello(bytes);
    if (hello.state === 'more') return undefined;
    if (hello.state === 'hello') {
      const { serverName, applicationProtocols } = hello;
      return { transportProtocol: 'tls', applicationProtocols, ...(serverName === undefined ? {} : { serverName }) };
    }
  }
  if (!http) return plain;
  const guess = guessHttp(bytes);
  if (guess === 'more') return undefined;
  return guess === 'no' ? plain : { transportProtocol: 'raw_buffer', applicationProtocols: [guess] };
}
