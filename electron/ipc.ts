import { ipcMain, type IpcMainEvent, type WebContents } from 'electron';
import { pipeChannel, type Channel } from '../src/rpc/index.ts';
import { isOwn } from './origin.ts';

interface Connection {
  readonly receive: (text: unknown) => void;
  readonly close: () => void;
}

/**
 * Gives each document that our window loads a channel to core. A message counts only when it comes from the top frame of a window of ours
 * that shows our page; anything else is dropped.
 */
export function acceptPipes(attach: (channel: Channel) => void, isOurs: (contents: WebContents) => boolean): void {
  const connections = new Map<number, Connection>();
  const trusted = (event: IpcMainEvent): boolean => {
    const frame = event.senderFrame;
    return frame !== null && frame === event.sender.mainFrame && isOwn(frame.url) && isOurs(event.sender);
  };
  const end = (id: number): void => {
    connections.get(id)?.close();
    connections.delete(id);
  };
  ipcMain.on('weft:open', (event) => {
    if (!trusted(event)) return;
    const { sender } = event;
    const { id } = sender;
    if (!connections.has(id)) {
      sender.once('destroyed', () => end(id));
      sender.on('render-process-gone', () => end(id));
    }
    end(id);
    const { connection, channel } = connect(sender);
    connections.set(id, connection);
    attach(channel);
  });
  ipcMain.on('weft', (event, text: unknown) => {
    if (trusted(event)) connections.get(event.sender.id)?.receive(text);
  });
}

function connect(contents: WebContents): { connection: Connection; channel: Channel } {
  const listeners: ((text: unknown) => void)[] = [];
  const closers: (() => void)[] = [];
  const channel = pipeChannel({
    send: (text) => { if (!contents.isDestroyed()) contents.send('weft', text); },
    onMessage: (listener) => { listeners.push(listener); },
    onClose: (listener) => { closers.push(listener); },
  });
  const connection = {
    receive: (text: unknown) => { for (const listener of listeners) listener(text); },
    close: () => { for (const closer of closers.splice(0)) closer(); },
  };
  return { connection, channel };
}
