import { contextBridge, ipcRenderer } from 'electron';

/**
 * A pipe, and nothing else: text to core, text from core. What the text means is the RPC's business, so this file never grows.
 * The page sees no Electron object; the event that comes with a message stays on this side.
 */
contextBridge.exposeInMainWorld('weft', {
  send(text: string): void {
    ipcRenderer.send('weft', String(text));
  },
  onMessage(listener: (text: string) => void): () => void {
    const receive = (_event: unknown, text: string): void => listener(text);
    ipcRenderer.on('weft', receive);
    return () => ipcRenderer.off('weft', receive);
  },
});

// A new document begins a new connection: what the one before had opened ends.
ipcRenderer.send('weft:open');
