export { Http2Client, type Http2ClientOwner, type Http2Request } from './client.ts';
export { keepaliveOf, type KeepaliveOptions } from './keepalive.ts';
export { speaksHttp2 } from './protocol.ts';
export { Http2Server, type Http2ServerLimits } from './server.ts';
export { isGrpc } from './encode.ts';
