// An application whose answers few have: early hints, trailers, its own word on `Expect`, an upgrade to something unheard of. Runs with `node -e` in a pod.
const { createHash } = require('node:crypto');
const { createServer } = require('node:http');

const upload = (request, response) => {
  const hash = createHash('sha256');
  let length = 0;
  request.on('data', (chunk) => { hash.update(chunk); length += chunk.length; });
  request.on('end', () => { response.end(JSON.stringify({ length, sha256: hash.digest('hex'), expect: request.headers.expect ?? '', trailers: request.trailers })); });
};

const pages = {
  '/hints': (request, response) => { response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' }, () => { response.end('hinted'); }); },
  '/trailers': (request, response) => {
    response.writeHead(200, { trailer: 'x-checksum' });
    response.write('content ');
    response.addTrailers({ 'x-checksum': 'c0ffee' });
    response.end('with trailers');
  },
  '/upload': upload,
  '/empty': (request, response) => { response.writeHead(204).end(); },
};

const server = createServer((request, response) => { (pages[request.url] ?? ((_, answer) => { answer.writeHead(404).end(); }))(request, response); });
server.on('checkContinue', (request, response) => {
  if (request.headers['x-refuse'] !== undefined) { response.writeHead(413, { connection: 'close' }).end('too much'); return; }
  response.writeContinue();
  server.emit('request', request, response);
});
server.on('connect', (request, socket) => { console.log('CONNECT came'); socket.end('HTTP/1.1 200 OK\r\n\r\ntunnel'); });
server.on('upgrade', (request, socket) => { socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: unheard-of\r\n\r\n'); socket.pipe(socket); });
server.listen(8080, () => { console.log('listening'); });
