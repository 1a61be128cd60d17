import { createServer, type Socket } from 'node:net';
import { listen, together, type Running, type StandInContext } from './server.ts';

const maxLine = 64 * 1024;
const lineFeed = 10;

/** Istio's TCP echo: `args` are ports, joined by commas, and a prefix; each line comes back behind the prefix. */
export function tcpEcho(context: StandInContext): Promise<Running> {
  const [ports = '9000', prefix = 'hello'] = context.args;
  return together(ports.split(',').map(Number).filter((port) => Number.isInteger(port) && port > 0 && port < 65_536).map((port) => echoLines(context, port, prefix)));
}

/** Echoes lines on one port. */
export function echoLines(context: StandInContext, port: number, prefix: string): Promise<Running> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    let rest = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      for (let end = rest.indexOf(lineFeed); end !== -1; end = rest.indexOf(lineFeed)) {
        const line = rest.subarray(0, end + 1);
        rest = rest.subarray(end + 1);
        context.log(`port ${port}: ${JSON.stringify(line.toString('utf8').slice(0, 200))}`);
        if (!socket.write(prefix === '' ? line : Buffer.concat([Buffer.from(`${prefix} `), line]))) {
          socket.pause();
          socket.once('drain', () => socket.resume());
        }
      }
      if (rest.length > maxLine) socket.destroy();
    });
    socket.on('end', () => socket.end());
    // `close` follows.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  });
  return listen(context, port, server, () => { for (const socket of sockets) socket.destroy(); });
}
