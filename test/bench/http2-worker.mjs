import { connect, createServer } from 'node:http2';

// What the sidecar's HTTP/2 is measured against: a proxy on Node's own HTTP/2, streams piped into streams. Arguments: port to listen on, port of the upstream.
const [listen, upstream] = process.argv.slice(2).map(Number);
let session;
/** A server may end a connection after as many requests as it likes; the next request makes a new one. */
const upstreamSession = () => {
  if (session === undefined || session.closed || session.destroyed) session = connect(`http://127.0.0.1:${upstream}`).on('error', () => {});
  return session;
};
const connectionHeaders = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'http2-settings']);
const forwardable = (headers) => Object.fromEntries(Object.entries(headers).filter(([name]) => !connectionHeaders.has(name)));

createServer((request, response) => {
  const sent = upstreamSession().request(forwardable(request.headers));
  sent.on('response', (headers) => {
    const { ':status': status, ...others } = headers;
    response.writeHead(status, forwardable(others));
    sent.pipe(response);
  });
  sent.on('error', () => response.stream?.close());
  request.pipe(sent);
}).listen(listen, '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
