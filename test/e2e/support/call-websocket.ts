import { createHash, randomBytes } from 'node:crypto';
import { WebSocket } from 'ws';

/** What a conversation over WebSocket came to. */
export interface Conversation {
  /** The answer to the upgrade: 101, or what came instead. */
  readonly status: number;
  readonly protocol: string;
  readonly greeting: string;
  /** The text came back as it was sent. */
  readonly text: boolean;
  /** A mebibyte of random bytes came back as it was sent. */
  readonly binary: boolean;
  readonly pong: string;
  /** The code with which the other side confirmed the close. */
  readonly closed: number;
}

/** Greets, sends text, bytes and a ping, and says good-bye. */
export async function callWebSocket(url: string, host: string, headers: Readonly<Record<string, string>> = {}): Promise<Conversation> {
  const socket = new WebSocket(url, ['first', 'second'], { headers: { ...headers, host }, perMessageDeflate: false });
  const heard: Buffer[] = [];
  const waiting: ((message: Buffer) => void)[] = [];
  socket.on('message', (data) => {
    const message = data as Buffer;
    const next = waiting.shift();
    if (next === undefined) heard.push(message);
    else next(message);
  });
  const message = (): Promise<Buffer> => new Promise((resolve) => { const early = heard.shift(); if (early === undefined) waiting.push(resolve); else resolve(early); });
  const status = await new Promise<number>((resolve, reject) => {
    socket.on('open', () => { resolve(101); });
    socket.on('unexpected-response', (request, response) => { request.destroy(); resolve(response.statusCode ?? 0); });
    socket.on('error', reject);
  });
  const nothing = { status, protocol: '', greeting: '', text: false, binary: false, pong: '', closed: 0 };
  if (status !== 101) return nothing;
  const greeting = (await message()).toString();
  const said = 'grüß dich ☺';
  socket.send(said);
  const text = (await message()).toString() === said;
  const bytes = randomBytes(1024 * 1024);
  socket.send(bytes);
  const binary = digest(await message()) === digest(bytes);
  const pong = await new Promise<string>((resolve) => { socket.once('pong', (data: Buffer) => { resolve(data.toString()); }); socket.ping('are you there'); });
  const closed = await new Promise<number>((resolve) => { socket.once('close', resolve); socket.close(4001, 'good-bye'); });
  return { status, protocol: socket.protocol, greeting, text, binary, pong, closed };
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** `call-websocket.ts URL HOST` prints the conversation as JSON: for a caller in the network of a pod. */
const [, script = '', url, host] = process.argv;
if (import.meta.filename === script && url !== undefined && host !== undefined) console.log(JSON.stringify(await callWebSocket(url, host)));
