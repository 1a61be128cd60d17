import { LabFailure, schemas, type Lab, type LabApi, type LabEvents } from '../contract/index.ts';
import type { Channel } from './channel.ts';
import { createPeer } from './peer.ts';

const names = Object.keys(schemas) as readonly (keyof LabApi)[];
const isMethod = (name: string): name is keyof LabApi => Object.hasOwn(schemas, name);

/** Checks a call against the allow-list: the method must be in `schemas` and the argument must fit. Rejects with `usage`. */
export async function callLab(api: LabApi, method: string, argument: unknown): Promise<unknown> {
  if (!isMethod(method)) throw new LabFailure('usage', `There is no method “${method}”.`, { help: `Methods: ${names.join(', ')}.` });
  const checked = schemas[method].safeParse(argument ?? {});
  if (!checked.success) {
    const wrong = checked.error.issues.map((issue) => `${issue.path.length === 0 ? '' : `${issue.path.map(String).join('.')}: `}${issue.message}`);
    throw new LabFailure('usage', `“${method}” was called wrongly: ${wrong.join('; ')}.`);
  }
  return (api[method] as (request: unknown) => Promise<unknown>).call(api, checked.data);
}

/**
 * Serves a lab to one caller. Events of a lab reach the caller while it watches that lab, stream data only who opened the stream;
 * what the caller watched and opened ends with its channel. Returns how to stop.
 */
export function serveLabApi(lab: Lab, channel: Channel): () => void {
  const caller: Caller = { watched: new Set(), streams: new Set(), early: new Map(), opening: 0 };
  const peer = createPeer(channel, {
    resolve: (name) => {
      if (!isMethod(name)) return undefined;
      if (name === 'logs' || name === 'exec') return (argument) => openStream(lab, caller, name, argument, sendStream);
      return (argument) => callFor(lab, caller, name, argument);
    },
    timeout: -1,
    gone: () => new LabFailure('cancelled', 'The caller has gone.'),
  });
  const sendStream = (event: StreamEvent): void => {
    peer.event('stream', [event]);
    if (event.end !== undefined) caller.streams.delete(event.stream);
  };
  const stops = forwardEvents(lab, caller, (name, event) => peer.event(name, [event]), sendStream);
  channel.onClose(() => {
    for (const stop of stops) stop();
    // The lab or the stream may be gone already: then there is nothing left to end.
    for (const name of caller.watched) lab.unwatch({ lab: name }).catch(() => undefined);
    for (const stream of caller.streams) lab.close({ stream }).catch(() => undefined);
  });
  return () => peer.close();
}

type StreamEvent = Parameters<LabEvents['stream']>[0];

interface Caller {
  readonly watched: Set<string>;
  /** Streams that it opened; only these can be written to. */
  readonly streams: Set<string>;
  /** What streams said before the caller was told their ids; kept only while one is being opened. */
  readonly early: Map<string, StreamEvent[]>;
  opening: number;
}

async function callFor(lab: Lab, caller: Caller, method: keyof LabApi, argument: unknown): Promise<unknown> {
  const name = (argument as { readonly lab?: string } | undefined)?.lab ?? '';
  if (method === 'watch' && caller.watched.has(name)) return undefined;
  if (method === 'unwatch' && !caller.watched.has(name)) return undefined;
  // Before the call, so that the first events, which may come ahead of the answer, are not lost.
  if (method === 'watch') caller.watched.add(name);
  if (method === 'unwatch') caller.watched.delete(name);
  if (method === 'write' || method === 'resize' || method === 'close') ownStream(caller, argument);
  try {
    return await callLab(lab, method, argument);
  } catch (error) {
    if (method === 'watch') caller.watched.delete(name);
    throw error;
  }
}

async function openStream(lab: Lab, caller: Caller, method: 'logs' | 'exec', argument: unknown, send: (event: StreamEvent) => void): Promise<unknown> {
  caller.opening++;
  let id: string | undefined;
  try {
    id = String(await callLab(lab, method, argument));
    caller.streams.add(id);
    return id;
  } finally {
    // A turn later: the answer with the id goes out first.
    setTimeout(() => {
      const events = id === undefined ? [] : caller.early.get(id) ?? [];
      if (id !== undefined) caller.early.delete(id);
      if (--caller.opening === 0) caller.early.clear();
      for (const event of events) send(event);
    });
  }
}

function ownStream(caller: Caller, argument: unknown): void {
  const stream = (argument as { readonly stream?: unknown } | undefined)?.stream;
  if (typeof stream === 'string' && !caller.streams.has(stream)) throw new LabFailure('not-found', `There is no stream “${stream}” on this connection.`);
}

type Send = <Name extends keyof LabEvents>(name: Name, event: Parameters<LabEvents[Name]>[0]) => void;

function forwardEvents(lab: Lab, caller: Caller, send: Send, sendStream: (event: StreamEvent) => void): readonly (() => void)[] {
  return [
    lab.on('labs', (labs) => send('labs', labs)),
    lab.on('operation', (operation) => send('operation', operation)),
    lab.on('status', (status) => { if (caller.watched.has(status.name)) send('status', status); }),
    lab.on('graph', (event) => { if (caller.watched.has(event.lab)) send('graph', event); }),
    lab.on('upstreams', (event) => { if (caller.watched.has(event.lab)) send('upstreams', event); }),
    lab.on('records', (event) => { if (caller.watched.has(event.lab)) send('records', event); }),
    lab.on('load', (event) => { if (caller.watched.has(event.lab)) send('load', event); }),
    lab.on('tutorial', (state) => { if (caller.watched.has(state.lab)) send('tutorial', state); }),
    lab.on('stream', (event) => {
      if (caller.opening > 0) keepOrSend(caller, event, sendStream);
      else if (caller.streams.has(event.stream)) sendStream(event);
    }),
  ];
}

/** While a stream is being opened: what streams say that are not known yet waits, in order. */
function keepOrSend(caller: Caller, event: StreamEvent, send: (event: StreamEvent) => void): void {
  const waiting = caller.early.get(event.stream);
  if (waiting !== undefined) waiting.push(event);
  else if (caller.streams.has(event.stream)) send(event);
  else caller.early.set(event.stream, [event]);
}
