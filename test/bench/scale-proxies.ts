import { connect, type TLSSocket } from 'node:tls';
import { typeUrl, type ResourceType } from '../../src/xds/index.ts';

/** What the bench tells the process that plays the proxies. */
export type ToProxies =
  | { readonly connect: { readonly port: number; readonly root: string; readonly token: string; readonly proxies: readonly { readonly node: string; readonly proxy: string }[] } }
  /** Counts from now on; answers once every proxy has acknowledged a response of the type. */
  | { readonly watch: ResourceType };

/** What it answers. Milliseconds since 1970, with fractions. */
export type FromProxies =
  | { readonly connected: number }
  | { readonly watching: ResourceType }
  | { readonly acknowledged: { readonly last: number; readonly responses: number; readonly bytes: number } };

const types: readonly ResourceType[] = ['cluster', 'endpoint', 'listener', 'route', 'secret', 'names'];
const lineFeed = 10;
/** Enough for a response's type, version, nonce, and the version that it starts from. */
const headLength = 512;
/** Proxies that fetch their first config at the same time: each gets megabytes. */
const together = 40;

/** What is counted since `watch`. */
let counted = { type: undefined as ResourceType | undefined, waiting: new Set<string>(), last: 0, responses: 0, bytes: 0 };
const all: string[] = [];

process.on('message', (message: ToProxies) => {
  if ('watch' in message) {
    counted = { type: message.watch, waiting: new Set(all), last: 0, responses: 0, bytes: 0 };
    tell({ watching: message.watch });
    return;
  }
  connectAll(message.connect).then(() => tell({ connected: all.length }), (error: unknown) => { throw error; });
});
process.on('disconnect', () => process.exit());

function tell(message: FromProxies): void {
  process.send?.(message);
}

async function connectAll({ port, root, token, proxies }: Extract<ToProxies, { readonly connect: unknown }>['connect']): Promise<void> {
  const left = [...proxies];
  await Promise.all(Array.from({ length: together }, async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      await connected({ port, root, token, ...next });
      all.push(next.proxy);
    }
  }));
}

/** A proxy that takes all that it is sent; resolves when it has acknowledged all types once. */
function connected({ port, root, token, node, proxy }: { readonly port: number; readonly root: string; readonly token: string; readonly node: string; readonly proxy: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    const versions = new Map<string, string>();
    const socket = connect({ host: '127.0.0.1', port, servername: 'istiod.istio-system.svc', ca: root, minVersion: 'TLSv1.3' }, () => {
      say(socket, { hello: { node, proxy, token } });
      for (const type of types) say(socket, { request: { typeUrl: typeUrl[type], versionInfo: '', responseNonce: '' } });
    });
    socket.setNoDelay(true);
    socket.on('error', reject);
    socket.on('close', () => { throw new Error(`The control plane closed the connection of ${proxy}.`); });
    socket.on('data', heads((head, size) => {
      const response = /^\{"response":\{"typeUrl":"([^"]+)","versionInfo":"([^"]+)","nonce":"([^"]+)"(?:,"since":"([^"]+)")?/.exec(head);
      if (response === null) return;
      const [, url = '', version = '', nonce = '', since] = response;
      if (since !== undefined && since !== versions.get(url)) throw new Error(`${proxy} runs on ${versions.get(url) ?? 'nothing'} and got changes of ${since}.`);
      versions.set(url, version);
      say(socket, { request: { typeUrl: url, versionInfo: version, responseNonce: nonce } });
      count(proxy, url, size);
      if (versions.size === types.length) resolve();
    }));
  });
}

function say(socket: TLSSocket, message: unknown): void {
  socket.write(`${JSON.stringify(message)}\n`);
}

function count(proxy: string, url: string, size: number): void {
  counted.responses++;
  counted.bytes += size;
  if (counted.type === undefined || url !== typeUrl[counted.type] || !counted.waiting.delete(proxy)) return;
  counted.last = performance.timeOrigin + performance.now();
  const { last, responses, bytes } = counted;
  if (counted.waiting.size === 0) tell({ acknowledged: { last, responses, bytes } });
}

/** The beginning of each line and its length. The rest is not kept: two thousand configs would not fit. */
function heads(take: (head: string, size: number) => void): (chunk: Buffer) => void {
  let head = '';
  let size = 0;
  return (chunk) => {
    let start = 0;
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, start)) {
      if (head.length < headLength) head += chunk.toString('latin1', start, Math.min(end, start + headLength));
      take(head, size + end - start + 1);
      head = '';
      size = 0;
      start = end + 1;
    }
    if (head.length < headLength) head += chunk.toString('latin1', start, Math.min(chunk.length, start + headLength));
    size += chunk.length - start;
  };
}
