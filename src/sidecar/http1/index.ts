export { ReadyBody } from './body.ts';
export { Http1Client, type ClientOwner } from './client.ts';
export { Headers } from './headers.ts';
export { ProtocolError } from './protocol-error.ts';
export { isAuthority, type RequestHead } from './request-head.ts';
export { Http1Server, type ServerExchange, type ServerLimits, type ServerSession } from './server.ts';
